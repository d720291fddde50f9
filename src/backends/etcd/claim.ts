import type { AcquireRequest } from '../../core/backend.js';
import type { Gateway, Json } from './gateway.js';
import { graveOf, keysOf, parseKey, type EtcdKeys, type Kind, type Range } from './keys.js';
import {
  deleteRequest,
  getRequest,
  isAbsent,
  isEmpty,
  putRequest,
  rangeRequest,
  txnResult,
  type KeyValue,
  type TxnResult,
} from './requests.js';
import type { Session } from './session.js';

/** One holder's key, and whom it has to wait for. */
export interface Claim {
  readonly resource: string;
  readonly holderId: string;
  readonly kind: Kind;
  readonly permits: number | undefined;
  readonly key: string;
  readonly value: string;
  /** Keys that can be in the way. */
  readonly rivals: Range;
}

export function claimOf(request: AcquireRequest, value: string): Claim {
  const { resource, holderId, permits, mode } = request;
  const keys = keysOf(resource);
  const kind = permits !== undefined ? 'p' : mode === 'shared' ? 's' : 'x';
  const key = keys.own(kind, holderId, permits);
  return { resource, holderId, kind, permits, key, value, rivals: rivalsOf(keys, kind) };
}

function rivalsOf(keys: EtcdKeys, kind: Kind): Range {
  if (kind === 'p') return keys.permits;
  return kind === 's' ? keys.exclusive : keys.locks;
}

/** Where a claim stands in its queue. */
export type Standing =
  | { readonly kind: 'first'; readonly token: bigint; readonly rivals?: readonly KeyValue[] }
  /** Behind `rivals`, the nearest first, as of `revision`. `own`: create revision of the claim. */
  | {
      readonly kind: 'behind';
      readonly own: bigint;
      readonly rivals: readonly KeyValue[];
      readonly revision: bigint;
    }
  /** The key is not there. */
  | { readonly kind: 'absent' };

/** Puts the key only if nobody is in the way. One transaction decides. */
export async function tryClaim(
  gateway: Gateway,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<Standing> {
  // Permits are in nobody's way until the last is out, which no comparison can count: they always queue.
  if (claim.kind === 'p') return enqueue(gateway, claim, session, budgetMs);
  const result = await transact(gateway, budgetMs, {
    // Among the rivals of an exclusive claim is its own key.
    compare: [
      isEmpty(claim.rivals),
      ...(claim.kind === 'x' ? [] : [isAbsent(claim.key)]),
      isAbsent(graveOf(claim.holderId)),
    ],
    success: [{ request_put: putRequest(claim.key, claim.value, session.leaseId) }],
    failure: [lookAtOwn(claim)],
  });
  if (result.isSuccess) return { kind: 'first', token: result.revision };
  return standingOfOwn(gateway, claim, result, budgetMs);
}

/** Puts the key behind whoever is there. The same holder putting it again changes nothing. */
export async function enqueue(
  gateway: Gateway,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<Standing> {
  const result = await transact(gateway, budgetMs, {
    compare: [isAbsent(claim.key), isAbsent(graveOf(claim.holderId))],
    // Whatever is there now was there before: the own key is the newest, and one more than the rivals is looked at.
    success: [{ request_put: putRequest(claim.key, claim.value, session.leaseId) }, lookAtRivals(claim, 1)],
    failure: [lookAtOwn(claim)],
  });
  if (!result.isSuccess) return standingOfOwn(gateway, claim, result, budgetMs);
  const rivals = (result.ranges[0] ?? []).filter(({ key }) => key !== claim.key);
  return standing(claim, result.revision, rivals, result.revision);
}

/** Looks again. Only keys older than the own one count, however many have come since. */
export async function look(gateway: Gateway, claim: Claim, own: bigint, budgetMs: number): Promise<Standing> {
  const result = await transact(gateway, budgetMs, {
    success: [lookAtOwn(claim), lookAtRivals(claim, 0, own)],
  });
  const [mine = [], rivals = []] = result.ranges;
  return mine[0]?.createRevision === own ? standing(claim, own, rivals, result.revision) : { kind: 'absent' };
}

/** True when the key was there. */
export async function endClaim(gateway: Gateway, key: string, budgetMs: number): Promise<boolean> {
  const answer = await gateway.call('/v3/kv/deleterange', deleteRequest(key), budgetMs);
  return Number(answer['deleted'] ?? 0) > 0;
}

/**
 * Ends a claim of which nobody knows whether it was put. Its grave stands as long as the session: a put that is carried
 * out after this finds it and puts nothing, and after the session there is no lease to put with.
 */
export async function buryClaim(
  gateway: Gateway,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<void> {
  await transact(gateway, budgetMs, {
    success: [
      { request_put: putRequest(graveOf(claim.holderId), '', session.leaseId) },
      { request_delete_range: deleteRequest(claim.key) },
    ],
  });
}

const lookAtOwn = (claim: Claim): Json => ({ request_range: { ...getRequest(claim.key), keys_only: true } });

/** The nearest rivals first, as many as it takes to be kept out. */
function lookAtRivals(claim: Claim, more: number, before?: bigint): Json {
  const limit = (claim.permits ?? 1) + more;
  const options = {
    order: 'DESCEND',
    keysOnly: true,
    limit,
    ...(before !== undefined && { before }),
  } as const;
  return { request_range: rangeRequest(claim.rivals, options) };
}

/** After a put that did not happen: because of others, or because an earlier one had, whose answer was lost. */
async function standingOfOwn(
  gateway: Gateway,
  claim: Claim,
  result: TxnResult,
  budgetMs: number,
): Promise<Standing> {
  const mine = result.ranges[0]?.[0];
  return mine === undefined ? { kind: 'absent' } : look(gateway, claim, mine.createRevision, budgetMs);
}

function standing(claim: Claim, own: bigint, rivals: readonly KeyValue[], revision: bigint): Standing {
  if (rivals.length < (claim.permits ?? 1)) return { kind: 'first', token: own, rivals };
  return { kind: 'behind', own, rivals, revision };
}

/** The number of permits that others count with, where it is not ours. */
export function otherLimit(claim: Claim, rivals: readonly KeyValue[]): number | undefined {
  if (claim.permits === undefined) return undefined;
  return rivals.map(({ key }) => parseKey(key)?.permits).find((permits) => permits !== claim.permits);
}

async function transact(gateway: Gateway, budgetMs: number, txn: Json): Promise<TxnResult> {
  return txnResult(await gateway.call('/v3/kv/txn', txn, budgetMs));
}
