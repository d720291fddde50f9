import { SERVER_ANSWER_MS } from '../../net/within.js';
import { evaluate, type RedisConnection } from './connection.js';
import { BROKEN_CHANNEL, keysOf } from './keys.js';
import { REVOKED_HOLDER, revokedPermit } from './record.js';
import { RELEASE, RELEASE_PERMIT, REVOKE, REVOKE_PERMIT } from './scripts.js';

/** One holder's stake in one resource: everything that its renewal and its release need. Structured-cloneable. */
export interface Claim {
  readonly resource: string;
  readonly holderId: string;
  readonly leaseDurationMs: number;
  /** A permit among several, instead of the lock. */
  readonly isPermit: boolean;
}

export function claimOf(
  resource: string,
  holderId: string,
  leaseDurationMs: number,
  permits: number | undefined,
): Claim {
  return { resource, holderId, leaseDurationMs, isPermit: permits !== undefined };
}

/** Ends this claim and no other; false when there was nothing to end. `isBreak`: its holder is notified. */
export async function endClaim(
  connection: RedisConnection,
  claim: Claim,
  budgetMs: number,
  isBreak = false,
): Promise<boolean> {
  const { lock, permits, holders, released } = keysOf(claim.resource);
  const args = [claim.holderId, released, isBreak ? BROKEN_CHANNEL : ''];
  const reply = claim.isPermit
    ? await evaluate(connection, RELEASE_PERMIT, [permits, holders], args, budgetMs)
    : await evaluate(connection, RELEASE, [lock], args, budgetMs);
  return reply === 1;
}

/**
 * Takes the lock, or the permit, from its holder. Unless `isImmediate` it stays taken until the holder's time is up. False
 * when `holderId` holds neither.
 */
export async function breakClaim(
  connection: RedisConnection,
  resource: string,
  holderId: string,
  isImmediate: boolean,
): Promise<boolean> {
  if (isImmediate) {
    const lock = claimOf(resource, holderId, 0, undefined);
    if (await endClaim(connection, lock, SERVER_ANSWER_MS, true)) return true;
    return endClaim(connection, claimOf(resource, holderId, 0, 1), SERVER_ANSWER_MS, true);
  }
  const { lock, permits, holders } = keysOf(resource);
  const lockArgs = [holderId, REVOKED_HOLDER, BROKEN_CHANNEL];
  if ((await evaluate(connection, REVOKE, [lock], lockArgs, SERVER_ANSWER_MS)) === 1) return true;
  const args = [holderId, revokedPermit(holderId), BROKEN_CHANNEL];
  return (await evaluate(connection, REVOKE_PERMIT, [permits, holders], args, SERVER_ANSWER_MS)) === 1;
}
