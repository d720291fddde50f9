import { scalar, type Json } from './gateway.js';
import type { Range } from './keys.js';

/** One key as the gateway returns it, decoded. int64 comes as text. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly lease: string;
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: unknown): string =>
  Buffer.from(typeof text === 'string' ? text : '', 'base64').toString();

export interface RangeOptions {
  readonly order?: 'ASCEND' | 'DESCEND';
  readonly limit?: number;
  readonly keysOnly?: boolean;
  /** Only keys created before this revision. */
  readonly before?: bigint;
}

/** Keys in the order of their creation, which is the order of the queue. */
export function rangeRequest({ start, end }: Range, options: RangeOptions = {}): Json {
  return {
    key: encode(start),
    range_end: encode(end),
    sort_target: 'CREATE',
    sort_order: options.order ?? 'ASCEND',
    ...(options.limit !== undefined && { limit: options.limit }),
    ...(options.keysOnly === true && { keys_only: true }),
    ...(options.before !== undefined && { max_create_revision: String(options.before - 1n) }),
  };
}

export const getRequest = (key: string): Json => ({ key: encode(key) });
export const deleteRequest = (key: string): Json => ({ key: encode(key) });
export const putRequest = (key: string, value: string, lease: string): Json => ({
  key: encode(key),
  value: encode(value),
  lease,
});

/** True while the key does not exist. */
export const isAbsent = (key: string): Json => ({
  key: encode(key),
  target: 'VERSION',
  result: 'EQUAL',
  version: '0',
});
export const isPresent = (key: string): Json => ({
  key: encode(key),
  target: 'VERSION',
  result: 'GREATER',
  version: '0',
});
/** True while no key of the range exists: the comparison must hold for each key in it. */
export const isEmpty = ({ start, end }: Range): Json => ({ ...isAbsent(start), range_end: encode(end) });

/** Deletions in a range, from a revision on. */
export function watchRequest({ start, end }: Range, startRevision: bigint): Json {
  return {
    create_request: {
      key: encode(start),
      range_end: encode(end),
      start_revision: String(startRevision),
      filters: ['NOPUT'],
    },
  };
}

/** The range of one key. */
export const only = (key: string): Range => ({ start: key, end: `${key}\0` });

export function keyValues(response: unknown): readonly KeyValue[] {
  const { kvs = [] } = (response ?? {}) as { readonly kvs?: readonly Json[] };
  return kvs.map((kv) => ({
    key: decode(kv['key']),
    value: decode(kv['value']),
    createRevision: BigInt(scalar(kv['create_revision'])),
    lease: scalar(kv['lease']),
  }));
}

export interface TxnResult {
  /** The gateway leaves `succeeded` out when it is false. */
  readonly isSuccess: boolean;
  readonly revision: bigint;
  /** The keys of each range request of the branch that ran, in order. */
  readonly ranges: readonly (readonly KeyValue[])[];
}

export function txnResult(answer: Json): TxnResult {
  const responses = (answer['responses'] ?? []) as readonly Json[];
  return {
    isSuccess: answer['succeeded'] === true,
    revision: revisionOf(answer),
    ranges: responses.flatMap((response) =>
      response['response_range'] === undefined ? [] : [keyValues(response['response_range'])],
    ),
  };
}

export function revisionOf(answer: Json): bigint {
  return BigInt(scalar((answer['header'] as Json | undefined)?.['revision']));
}
