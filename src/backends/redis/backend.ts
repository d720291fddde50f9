import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { isLockError, type LockError } from '../../core/errors.js';
import { encodeHolder } from '../../platform/holder-record.js';
import { isOutage, SilentServerError } from '../../net/unavailable.js';
import { answerBudgetMs, SERVER_ANSWER_MS } from '../../net/within.js';
import { permitsError, unconfirmedError } from '../engine/errors.js';
import { heldTick } from '../engine/held-tick.js';
import { settleInBackground } from '../engine/settle.js';
import { breakClaim, claimOf, endClaim, type Claim } from './claim.js';
import { REDIS_CAPABILITIES } from './config.js';
import { evaluate } from './connection.js';
import { isErrorReply, redisError } from './errors.js';
import { grantOf, type RedisContext } from './grant.js';
import { listNames, readHolders } from './holders.js';
import { keysOf } from './keys.js';
import { assertFormat, decodeLimit } from './record.js';
import { TAKE, TAKE_PERMIT } from './scripts.js';
import { claimTick, lastTick } from './tick.js';
import { waitForRelease } from './wait.js';

/** A Redis server decides, one script at a time. See PROTOCOL.md in this folder. */
export function createRedisBackend(context: RedisContext): Backend {
  const shown = (resource: string): string => `${context.display}#${resource}`;

  async function tryAcquire(request: AcquireRequest): Promise<Attempt> {
    const claim = claimOf(request.resource, request.holderId, request.leaseDurationMs, request.permits);
    const startedAt = context.leaseClock.now();
    const budgetMs = answerBudgetMs(request.timeoutMs);
    let reply: unknown;
    try {
      reply = await take(context, claim, request, budgetMs).catch((error: unknown) => {
        if (!isCutOff(error)) throw error;
        // Others share the connection, and one of them may have ended it. The same holder asking again is safe.
        const leftMs = Math.max(1, budgetMs - (context.leaseClock.now() - startedAt));
        return take(context, claim, request, leftMs);
      });
    } catch (error) {
      throw await settled(context, claim, shown(request.resource), error);
    }
    const [outcome, value, msLeft] = reply as [number, string, number?];
    if (outcome === 1) return { kind: 'granted', grant: grantOf(context, claim, BigInt(value), startedAt) };
    const named = shown(request.resource);
    if (outcome === -1) throw permitsError(named, request.permits ?? 1, decodeLimit(value, named));
    if (!claim.isPermit) assertFormat(value, named);
    return { kind: 'contended', ...(msLeft !== undefined && msLeft > 0 && { retryAfterMs: msLeft }) };
  }

  return {
    name: 'redis',
    isOutage,
    capabilities: REDIS_CAPABILITIES,
    tryAcquire,

    waitAcquire(request, signal): Promise<Grant> {
      return waitForRelease(context, request, signal, tryAcquire);
    },

    async inspect(resource): Promise<readonly HolderInfo[]> {
      try {
        return await readHolders(context.connection, resource, shown(resource));
      } catch (error) {
        throw redisError(error, shown(resource), context.server);
      }
    },

    async list(): Promise<readonly string[]> {
      try {
        return await listNames(context.connection);
      } catch (error) {
        throw redisError(error, context.display, context.server);
      }
    },

    async lastTick(resource): Promise<number | undefined> {
      try {
        return await lastTick(context, resource);
      } catch (error) {
        throw redisError(error, shown(resource), context.server);
      }
    },

    async claimTick(hold, tick): Promise<number | undefined> {
      try {
        return heldTick(shown(hold.resource), await claimTick(context, hold, tick));
      } catch (error) {
        throw isLockError(error) ? error : redisError(error, shown(hold.resource), context.server);
      }
    },

    async forceRelease(resource, holderId, options): Promise<boolean> {
      try {
        return await breakClaim(context.connection, resource, holderId, options?.isImmediate === true);
      } catch (error) {
        throw redisError(error, shown(resource), context.server);
      }
    },

    [Symbol.asyncDispose]: () => Promise.resolve(context.connection.close()),
  };
}

/** The connection ended before the reply came: the server neither answered nor was silent for too long. */
function isCutOff(error: unknown): boolean {
  return !isLockError(error) && !isErrorReply(error) && !(error instanceof SilentServerError);
}

function take(
  context: RedisContext,
  claim: Claim,
  request: AcquireRequest,
  budgetMs: number,
): Promise<unknown> {
  const { lock, token, permits, holders } = keysOf(claim.resource);
  const note = encodeHolder(context.clock.wallNow(), request);
  const args = [claim.holderId, String(Math.round(claim.leaseDurationMs)), note];
  if (request.permits === undefined) return evaluate(context.connection, TAKE, [lock, token], args, budgetMs);
  const keys = [permits, holders, token];
  return evaluate(context.connection, TAKE_PERMIT, keys, [...args, String(request.permits)], budgetMs);
}

/**
 * A failed attempt without doubt about it, or UNCONFIRMED. An answer that was an error has changed nothing, and what
 * never left changed nothing; a missing reply leaves a claim that is ended under its own id, on a new connection, in the
 * background if need be. A request that is executed only after that makes a claim that no caller has, for one lease.
 */
async function settled(
  { connection, clock, leaseClock, server }: RedisContext,
  claim: Claim,
  shown: string,
  error: unknown,
): Promise<LockError> {
  const failure = isLockError(error) ? error : redisError(error, shown, server);
  if (isLockError(error) || isErrorReply(error)) return failure;
  const endsAt = leaseClock.now() + claim.leaseDurationMs;
  try {
    await endClaim(connection, claim, SERVER_ANSWER_MS / 10);
    return failure;
  } catch {
    void settleInBackground(
      clock,
      () => leaseClock.now() >= endsAt,
      () => endClaim(connection, claim, SERVER_ANSWER_MS),
    );
    return unconfirmedError({ shown, server }, claim.holderId, failure);
  }
}
