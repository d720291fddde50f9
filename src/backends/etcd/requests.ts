import { numberOf, revisionOf } from './messages.js';
import type { Range } from './keys.js';
import type { Message } from './protobuf.js';

/** One key, as of the revision of the answer. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  /** Decimal; `0` without one. */
  readonly lease: string;
}

const ORDER = { ASCEND: 1, DESCEND: 2 } as const;
const BY_CREATION = 2;

export interface RangeOptions {
  readonly order?: keyof typeof ORDER;
  readonly limit?: number;
  readonly keysOnly?: boolean;
  /** Only keys created before this revision. */
  readonly before?: bigint;
}

/** Keys in the order of their creation, which is the order of the queue. */
export function rangeRequest({ start, end }: Range, options: RangeOptions = {}): Message {
  return {
    key: start,
    end,
    target: BY_CREATION,
    order: ORDER[options.order ?? 'ASCEND'],
    limit: options.limit,
    keysOnly: options.keysOnly,
    maxCreateRevision: options.before === undefined ? undefined : options.before - 1n,
  };
}

/** One key without its value. */
export const lookRequest = (key: string): Message => ({ key, keysOnly: true });

const EQUAL = 0;
const GREATER = 1;
const LESS = 2;
const VERSION = 0;
const CREATE = 1;
const VALUE = 3;
const LEASE = 4;

/** True while the key does not exist. */
export const isAbsent = (key: string): Message => ({ key, result: EQUAL, target: VERSION, version: 0 });
/** True while the key exists. */
export const isPresent = (key: string): Message => ({ key, result: GREATER, target: VERSION, version: 0 });
/** True while the key exists and has this value. */
export const isValue = (key: string, value: string): Message => ({
  key,
  result: EQUAL,
  target: VALUE,
  value,
});
/** True while the key hangs on this lease. */
export const isOnLease = (key: string, lease: string): Message => ({
  key,
  result: EQUAL,
  target: LEASE,
  lease,
});
/** True while no key of the range exists: the comparison must hold for each key in it. */
export const isEmpty = ({ start, end }: Range): Message => ({ ...isAbsent(start), end });
/** True while each key of the range was created before this revision. */
export const isCreatedBefore = ({ start, end }: Range, createRevision: bigint): Message => ({
  key: start,
  end,
  result: LESS,
  target: CREATE,
  createRevision,
});
/** True while the key exists and its value is lower, byte by byte. */
export const isValueBelow = (key: string, value: string): Message => ({
  key,
  result: LESS,
  target: VALUE,
  value,
});

/** The range of one key. */
export const only = (key: string): Range => ({ start: key, end: `${key}\0` });

export function keyValue(kv: Message): KeyValue {
  return {
    key: kv['key'] as string,
    value: (kv['value'] as string | undefined) ?? '',
    createRevision: numberOf(kv['createRevision']),
    lease: String(numberOf(kv['lease'])),
  };
}

export function keyValues(response: Message): readonly KeyValue[] {
  return (response['kvs'] as readonly Message[]).map(keyValue);
}

export interface TxnResult {
  readonly isSuccess: boolean;
  readonly revision: bigint;
  /** The keys of each range request of the branch that ran, in order. */
  readonly ranges: readonly (readonly KeyValue[])[];
}

export function txnResult(answer: Message): TxnResult {
  const responses = answer['responses'] as readonly Message[];
  return {
    isSuccess: answer['succeeded'] === true,
    revision: revisionOf(answer),
    ranges: responses.flatMap(({ range }) => (range === undefined ? [] : [keyValues(range as Message)])),
  };
}
