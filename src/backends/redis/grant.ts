import type { Grant } from '../../core/backend.js';
import { LockError } from '../../core/errors.js';
import type { Renewal, RenewalOutcome } from '../../core/lease.js';
import { distUrl } from '../../platform/native.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import type { RedisContext } from './context.js';
import { endClaim, extendClaim, type Claim } from './claim.js';
import type { RedisConnection } from './connection.js';
import { redisError } from './errors.js';

/**
 * The server does not wait a moment longer than the lease; the holder stops believing a fifth earlier, which covers
 * clocks that tick differently.
 */
export const BELIEVED_PART = 0.8;

const RENEWAL = distUrl('backends/redis/renewal.js');

/** @param startedAt lease clock, before the request was sent: the server's own time began no earlier. */
export function grantOf(context: RedisContext, claim: Claim, fencingToken: bigint, startedAt: number): Grant {
  const durationMs = claim.leaseDurationMs * BELIEVED_PART;
  const deadline = startedAt + durationMs;
  const { config } = context;
  return {
    fencingToken,
    lease: {
      durationMs,
      deadline,
      isReleaseSafe: true,
      renewal:
        config === undefined
          ? renewalOn(context.connection, context.server, context.display, claim)
          : { module: RENEWAL, shared: config, state: claim },
    },
    check: (marginMs) => (context.leaseClock.now() + marginMs < deadline ? undefined : 'expired'),
    onLost: () => undefined,
    release: async () => {
      await release(context.connection, context.server, context.display, claim);
    },
  };
}

/** Renews and releases through `connection`, wherever that lives. */
export function renewalOn(
  connection: RedisConnection,
  server: string,
  display: string,
  claim: Claim,
): Renewal {
  return {
    async renew(remainingMs): Promise<RenewalOutcome> {
      const reply = await extendClaim(connection, claim, Math.min(SERVER_ANSWER_MS, remainingMs));
      if (reply === 1) return 'extended';
      return reply === 0 ? 'taken' : 'record-missing';
    },
    release: async (isLost) => {
      try {
        await release(connection, server, display, claim);
      } catch (error) {
        // What was lost blocks others for no longer than its lease; there is nobody left to warn.
        if (!isLost) throw error;
      }
    },
  };
}

async function release(
  connection: RedisConnection,
  server: string,
  display: string,
  claim: Claim,
): Promise<void> {
  try {
    await endClaim(connection, claim, SERVER_ANSWER_MS);
  } catch (error) {
    const cause = redisError(error, `${display}#${claim.resource}`, server);
    throw new LockError(
      `Could not release "${display}#${claim.resource}": ${server} did not confirm it. It is free at the latest when its lease ends.`,
      { code: 'HOLDFAST_NETWORK', resource: `${display}#${claim.resource}`, cause },
    );
  }
}
