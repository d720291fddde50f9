import { SERVER_ANSWER_MS } from '../../net/within.js';
import { evaluate, type RedisConnection } from './connection.js';
import { keysOf } from './keys.js';
import { REVOKED_HOLDER } from './record.js';
import { RELEASE, RELEASE_PERMIT, RENEW, RENEW_PERMIT, REVOKE } from './scripts.js';

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

/** Ends this claim and no other; false when there was nothing to end. */
export async function endClaim(
  connection: RedisConnection,
  claim: Claim,
  budgetMs: number,
): Promise<boolean> {
  const { lock, permits, holders, released } = keysOf(claim.resource);
  const args = [claim.holderId, released];
  const reply = claim.isPermit
    ? await evaluate(connection, RELEASE_PERMIT, [permits, holders], args, budgetMs)
    : await evaluate(connection, RELEASE, [lock], args, budgetMs);
  return reply === 1;
}

/** 1: extended by the whole lease from now. 0: somebody else has it. -1: it is gone. */
export async function extendClaim(
  connection: RedisConnection,
  claim: Claim,
  budgetMs: number,
): Promise<number> {
  const { lock, permits, holders } = keysOf(claim.resource);
  const args = [claim.holderId, String(Math.round(claim.leaseDurationMs))];
  const reply = claim.isPermit
    ? await evaluate(connection, RENEW_PERMIT, [permits, holders], args, budgetMs)
    : await evaluate(connection, RENEW, [lock], args, budgetMs);
  return reply as number;
}

/** Takes the lock from its holder and gives it to nobody until the holder's time is up. */
export async function revokeLock(
  context: { readonly connection: RedisConnection },
  resource: string,
  holderId: string,
): Promise<boolean> {
  const args = [holderId, REVOKED_HOLDER, '{}'];
  const reply = await evaluate(context.connection, REVOKE, [keysOf(resource).lock], args, SERVER_ANSWER_MS);
  return reply === 1;
}
