import type { HolderInfo } from '../../core/backend.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { decodeHolderInfo } from '../../platform/holder-record.js';
import { formatError } from '../engine/errors.js';
import { LOOK_MS } from '../engine/limits.js';
import { endClaim } from './claim.js';
import type { EtcdClient } from './client.js';
import { keysOf, parseKey, prefixed, ROOT, type ParsedKey } from './keys.js';
import { numberOf } from './messages.js';
import { isOnLease, keyValues, rangeRequest, txnResult, type KeyValue } from './requests.js';

/** Opens the value of every claim. Every format queues under the same keys, so none is passed by. */
export const FORMAT = '1';
/** The value of a key that was broken, until its holder cannot believe any more. */
const REVOKED_VALUE = `${FORMAT} revoked`;

interface Standing {
  readonly key: ParsedKey;
  readonly kv: KeyValue;
  readonly isHolder: boolean;
}

/** Every claim of a resource, in the order of the queue. */
export async function readHolders(
  client: EtcdClient,
  resource: string,
  shown: string,
): Promise<readonly HolderInfo[]> {
  return (await readQueue(client, resource, LOOK_MS)).map((one) => holderInfo(one, shown));
}

/** Every resource of this cluster that has a claim. */
export async function listNames(client: EtcdClient): Promise<readonly string[]> {
  const answer = await client.call('range', rangeRequest(prefixed(ROOT), { keysOnly: true }), LOOK_MS);
  const names = keyValues(answer).flatMap(({ key }) => parseKey(key)?.name ?? []);
  return [...new Set(names)].toSorted();
}

/**
 * Takes a hold from its holder. Its key stays in the way on a lease of its own, as long as the holder could believe
 * that it holds; with `isImmediate` it goes at once. The session's lease has other keys and is left alone. False for a
 * claim that waits: it would hold later, on a lease that is not renewed.
 */
export async function breakHold(
  client: EtcdClient,
  resource: string,
  holderId: string,
  isImmediate: boolean,
): Promise<boolean> {
  const queue = await readQueue(client, resource, SERVER_ANSWER_MS);
  const found = queue.find(({ key, isHolder }) => isHolder && key.holderId === holderId);
  if (found === undefined) return false;
  const { key, lease } = found.kv;
  if (isImmediate) return endClaim(client, key, SERVER_ANSWER_MS);
  const time = await client.call('leaseTime', { id: lease }, SERVER_ANSWER_MS);
  const ttl = Number(numberOf(time['grantedTtl']));
  const { id } = await client.call('grantLease', { ttl: Math.max(1, ttl) }, SERVER_ANSWER_MS);
  const txn = {
    compare: [isOnLease(key, lease)],
    success: [{ put: { key, value: REVOKED_VALUE, lease: id } }],
    failure: [],
  };
  return txnResult(await client.call('txn', txn, SERVER_ANSWER_MS)).isSuccess;
}

/** Which claim holds follows from the order alone. */
async function readQueue(
  client: EtcdClient,
  resource: string,
  budgetMs: number,
): Promise<readonly Standing[]> {
  const { locks, permits } = keysOf(resource);
  const range = rangeRequest({ start: permits.start, end: locks.end });
  let hasExclusive = false;
  let hasShared = false;
  let permitsOut = 0;
  return keyValues(await client.call('range', range, budgetMs)).flatMap((kv) => {
    const key = parseKey(kv.key);
    if (key === undefined) return [];
    let isHolder: boolean;
    if (key.kind === 'p') isHolder = permitsOut++ < (key.permits ?? 1);
    else if (key.kind === 's') isHolder = !hasExclusive;
    else isHolder = !hasExclusive && !hasShared;
    hasExclusive ||= key.kind === 'x';
    hasShared ||= key.kind === 's';
    return { key, kv, isHolder };
  });
}

function holderInfo({ key, kv, isHolder }: Standing, shown: string): HolderInfo {
  const [, format, note = ''] = /^(\d+) (.*)$/s.exec(kv.value) ?? [];
  if (format !== FORMAT) throw formatError(shown, format);
  return {
    state: isHolder ? 'holder' : 'waiter',
    mode: key.kind === 's' ? 'shared' : 'exclusive',
    ...(isHolder && { fencingToken: kv.createRevision }),
    ...(kv.value === REVOKED_VALUE
      ? { note: 'broken by force; free once its lease has run out' }
      : { holderId: key.holderId, ...decodeHolderInfo(note) }),
  };
}
