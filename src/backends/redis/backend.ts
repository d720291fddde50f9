import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { LockError, isLockError } from '../../core/errors.js';
import { encodeHolderNote } from '../../platform/holder-note.js';
import { answerBudgetMs, SERVER_ANSWER_MS } from '../../net/within.js';
import { REDIS_CAPABILITIES } from './config.js';
import { evaluate } from './connection.js';
import type { RedisContext } from './context.js';
import { permitsError, redisError } from './errors.js';
import { listNames, readHolders } from './holders.js';
import { claimOf, endClaim, revokeLock, type Claim } from './claim.js';
import { grantOf } from './grant.js';
import { keysOf } from './keys.js';
import { TAKE, TAKE_PERMIT } from './scripts.js';
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
      reply = await take(context, claim, request, budgetMs);
    } catch (error) {
      throw await settled(context, claim, shown(request.resource), error);
    }
    const [outcome, value, msLeft] = reply as [number, string, number?];
    if (outcome === 1) return { kind: 'granted', grant: grantOf(context, claim, BigInt(value), startedAt) };
    if (outcome === -1) throw permitsError(shown(request.resource), request.permits ?? 1, value);
    return { kind: 'contended', ...(msLeft !== undefined && msLeft > 0 && { retryAfterMs: msLeft }) };
  }

  return {
    name: 'redis',
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

    async forceRelease(resource, holderId, options): Promise<boolean> {
      try {
        if (options?.isImmediate !== true && (await revokeLock(context, resource, holderId))) return true;
        const lock = claimOf(resource, holderId, 0, undefined);
        const permit = claimOf(resource, holderId, 0, 1);
        const isLock =
          options?.isImmediate === true && (await endClaim(context.connection, lock, SERVER_ANSWER_MS));
        return isLock || (await endClaim(context.connection, permit, SERVER_ANSWER_MS));
      } catch (error) {
        throw redisError(error, shown(resource), context.server);
      }
    },

    [Symbol.asyncDispose]: () => Promise.resolve(context.connection.close()),
  };
}

function take(
  context: RedisContext,
  claim: Claim,
  request: AcquireRequest,
  budgetMs: number,
): Promise<unknown> {
  const { lock, token, permits, holders } = keysOf(claim.resource);
  const note = encodeHolderNote(context.clock.wallNow(), request.reason);
  const args = [claim.holderId, String(Math.round(claim.leaseDurationMs)), note];
  if (request.permits === undefined) return evaluate(context.connection, TAKE, [lock, token], args, budgetMs);
  const keys = [permits, holders, token];
  return evaluate(context.connection, TAKE_PERMIT, keys, [...args, String(request.permits)], budgetMs);
}

/**
 * A failed attempt without doubt about it, or UNCONFIRMED. An answer that was an error has changed nothing, and what
 * never left changed nothing; a missing reply leaves a claim that is ended under its own id, on a new connection.
 * A request that is executed only after that makes a claim nobody believes in, for one lease.
 */
async function settled(
  context: RedisContext,
  claim: Claim,
  shown: string,
  error: unknown,
): Promise<LockError> {
  const failure = isLockError(error) ? error : redisError(error, shown, context.server);
  if (isLockError(error) || isErrorReply(error)) return failure;
  try {
    await endClaim(context.connection, claim, SERVER_ANSWER_MS / 10);
    return failure;
  } catch {
    return new LockError(
      `Could not tell whether "${shown}" was locked: ${context.server} did not answer. Holder ${claim.holderId} may stand until its lease ends; try again after that.`,
      { code: 'HOLDFAST_UNCONFIRMED', resource: shown, cause: failure },
    );
  }
}

function isErrorReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,}\s/.test(error.message);
}
