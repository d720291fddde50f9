import type { HolderInfo } from '../../core/backend.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { endClaim } from './claim.js';
import type { Gateway } from './gateway.js';
import { keysOf, parseKey, prefixed, ROOT, type ParsedKey, type Range } from './keys.js';
import { holderInfos, REVOKED_VALUE } from './note.js';
import { isPresent, keyValues, putRequest, rangeRequest, txnResult, type KeyValue } from './requests.js';

/** Looking is worth less patience than locking: it often happens for the sake of a message. */
const LOOK_MS = 3_000;

export async function readHolders(gateway: Gateway, resource: string): Promise<readonly HolderInfo[]> {
  const { locks, permits } = keysOf(resource);
  const answer = await gateway.call(
    '/v3/kv/range',
    rangeRequest({ start: permits.start, end: locks.end }),
    LOOK_MS,
  );
  return holderInfos(parsed(keyValues(answer)));
}

/** Every resource of this cluster that somebody holds or waits for. */
export async function listNames(gateway: Gateway): Promise<readonly string[]> {
  const answer = await gateway.call(
    '/v3/kv/range',
    rangeRequest(prefixed(ROOT), { keysOnly: true }),
    LOOK_MS,
  );
  return [...new Set(parsed(keyValues(answer)).map(([{ name }]) => name))].toSorted();
}

/**
 * Takes a hold from its holder. Its key stays in the way on a lease of its own, as long as the holder could believe
 * that it holds; with `isImmediate` it goes at once.
 */
export async function breakHold(
  gateway: Gateway,
  resource: string,
  holderId: string,
  isImmediate: boolean,
): Promise<boolean> {
  const { locks, permits } = keysOf(resource);
  const range: Range = { start: permits.start, end: locks.end };
  const answer = await gateway.call(
    '/v3/kv/range',
    rangeRequest(range, { keysOnly: true }),
    SERVER_ANSWER_MS,
  );
  const found = parsed(keyValues(answer)).find(([parsedKey]) => parsedKey.holderId === holderId);
  if (found === undefined) return false;
  const [, { key, lease }] = found;
  if (isImmediate) return endClaim(gateway, key, SERVER_ANSWER_MS);
  const { grantedTTL = '0' } = await gateway.call('/v3/lease/timetolive', { ID: lease }, SERVER_ANSWER_MS);
  const { ID } = await gateway.call(
    '/v3/lease/grant',
    { TTL: Math.max(1, Number(grantedTTL)) },
    SERVER_ANSWER_MS,
  );
  const txn = {
    compare: [isPresent(key)],
    success: [{ request_put: putRequest(key, REVOKED_VALUE, String(ID)) }],
  };
  return txnResult(await gateway.call('/v3/kv/txn', txn, SERVER_ANSWER_MS)).isSuccess;
}

function parsed(keys: readonly KeyValue[]): readonly (readonly [ParsedKey, KeyValue])[] {
  return keys.flatMap((kv) => {
    const key = parseKey(kv.key);
    return key === undefined ? [] : [[key, kv] as const];
  });
}
