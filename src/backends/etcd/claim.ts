import type { AcquireRequest } from '../../core/backend.js';
import type { EtcdClient } from './client.js';
import { EtcdAnswer } from './errors.js';
import { numberOf } from './messages.js';
import { tombstoneOf, keysOf, parseKey, type EtcdKeys, type Kind, type Range } from './keys.js';
import {
  isAbsent,
  isCreatedBefore,
  isEmpty,
  lookRequest,
  rangeRequest,
  txnResult,
  type KeyValue,
  type TxnResult,
} from './requests.js';
import type { Message } from './protobuf.js';
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
export type Standing = (
  | { readonly kind: 'first'; readonly token: bigint; readonly rivals?: readonly KeyValue[] }
  /** Behind `rivals`, the nearest first, as of `revision`. `own`: create revision of the claim. */
  | {
      readonly kind: 'behind';
      readonly own: bigint;
      readonly rivals: readonly KeyValue[];
      readonly revision: bigint;
    }
  /** The key is not there, or not ours any more. */
  | { readonly kind: 'absent' }
) & {
  /** Create revision of the claim that was released last, decimal; absent when none is known. */
  readonly lastReleased?: string;
};

/** Puts the key only if no holder or waiter is in the way. One transaction decides. */
export async function tryClaim(
  client: EtcdClient,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<Standing> {
  // Permits block each other only when the last is out, which no comparison can count: they always queue.
  if (claim.kind === 'p') return enqueue(client, claim, session, budgetMs);
  const result = await transact(client, budgetMs, {
    // Among the rivals of an exclusive claim is its own key.
    compare: [
      isEmpty(claim.rivals),
      ...(claim.kind === 'x' ? [] : [isAbsent(claim.key)]),
      isAbsent(tombstoneOf(claim.holderId)),
    ],
    success: [putOf(claim, session)],
    failure: [lookAtOwn(claim)],
  });
  if (result.isSuccess) return { kind: 'first', token: result.revision };
  return standingOfOwn(client, claim, session, result, budgetMs);
}

/** Puts the key behind all others. The same holder putting it again changes nothing. */
export async function enqueue(
  client: EtcdClient,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<Standing> {
  const result = await transact(client, budgetMs, {
    compare: [isAbsent(claim.key), isAbsent(tombstoneOf(claim.holderId))],
    // Whatever is there now was there before: the own key is the newest, and one more than the rivals is looked at.
    success: [putOf(claim, session), lookAtRivals(claim, 1)],
    failure: [lookAtOwn(claim)],
  });
  if (!result.isSuccess) return standingOfOwn(client, claim, session, result, budgetMs);
  const rivals = (result.ranges[0] ?? []).filter(({ key }) => key !== claim.key);
  return standing(claim, result.revision, rivals, result.revision);
}

/**
 * Looks again. Only keys older than the own one count, however many have come since. A key that a break has put on another
 * lease is no claim of ours any more.
 */
export async function look(
  client: EtcdClient,
  claim: Claim,
  own: bigint,
  session: Session,
  budgetMs: number,
): Promise<Standing> {
  const { released } = keysOf(claim.resource);
  const result = await transact(client, budgetMs, {
    success: [lookAtOwn(claim), { range: { key: released } }, lookAtRivals(claim, 0, own)],
  });
  const [[mine] = [], [mark] = [], rivals = []] = result.ranges;
  if (mine?.createRevision !== own || mine.lease !== session.leaseId) return { kind: 'absent' };
  const found = standing(claim, own, rivals, result.revision);
  return mark === undefined ? found : { ...found, lastReleased: mark.value };
}

/** True when the key was there. */
export async function endClaim(client: EtcdClient, key: string, budgetMs: number): Promise<boolean> {
  return numberOf((await client.call('deletion', { key }, budgetMs))['deleted']) > 0n;
}

/**
 * Ends a hold on purpose, and leaves its revision for the waiters behind it: a key that goes without that was revoked,
 * and its holder may learn of it a moment later than the queue. Without a waiter nothing is left.
 */
export async function releaseClaim(
  client: EtcdClient,
  { key, leaseId, queue, released, revision }: Released,
  budgetMs: number,
): Promise<void> {
  try {
    await transact(client, budgetMs, {
      compare: [isCreatedBefore(queue, BigInt(revision) + 1n)],
      success: [{ deletion: { key } }, { deletion: { key: released } }],
      failure: [{ deletion: { key } }, { put: { key: released, value: revision, lease: leaseId } }],
    });
  } catch (error) {
    if (!(error instanceof EtcdAnswer)) throw error;
    // The waiters take it for revoked, and are in a moment later.
    if (error.isFull) await endClaim(client, key, budgetMs);
    // Without its lease there is no key of it.
    else if (!error.isLeaseGone) throw error;
  }
}

export interface Released {
  readonly key: string;
  readonly leaseId: string;
  /** Where waiters have their keys, and where they look for the revision. */
  readonly queue: Range;
  readonly released: string;
  readonly revision: string;
}

/**
 * Ends a claim of which it is not known whether it was put. Its tombstone stands as long as the session: a put that is
 * carried out after this finds it and puts nothing, and after the session there is no lease to put with.
 */
export async function buryClaim(
  client: EtcdClient,
  claim: Claim,
  session: Session,
  budgetMs: number,
): Promise<void> {
  const key = tombstoneOf(claim.holderId);
  try {
    await transact(client, budgetMs, {
      success: [{ put: { key, value: '', lease: session.leaseId } }, { deletion: { key: claim.key } }],
    });
  } catch (error) {
    if (!(error instanceof EtcdAnswer && error.isLeaseGone)) throw error;
  }
}

const putOf = ({ key, value }: Claim, { leaseId }: Session): Message => ({
  put: { key, value, lease: leaseId },
});
const lookAtOwn = ({ key }: Claim): Message => ({ range: lookRequest(key) });

/** The nearest rivals first, as many as it takes to be kept out. */
function lookAtRivals(claim: Claim, more: number, before?: bigint): Message {
  const limit = (claim.permits ?? 1) + more;
  const options = {
    order: 'DESCEND',
    keysOnly: true,
    limit,
    ...(before !== undefined && { before }),
  } as const;
  return { range: rangeRequest(claim.rivals, options) };
}

/** After a put that did not happen: because of others, or because an earlier one had, whose answer was lost. */
async function standingOfOwn(
  client: EtcdClient,
  claim: Claim,
  session: Session,
  result: TxnResult,
  budgetMs: number,
): Promise<Standing> {
  const mine = result.ranges[0]?.[0];
  return mine === undefined
    ? { kind: 'absent' }
    : look(client, claim, mine.createRevision, session, budgetMs);
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

async function transact(client: EtcdClient, budgetMs: number, txn: Message): Promise<TxnResult> {
  return txnResult(await client.call('txn', { compare: [], failure: [], ...txn }, budgetMs));
}
