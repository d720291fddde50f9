import type { Grant } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { LeaseClock, Renewal } from '../../core/lease.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { distUrl } from '../../platform/package-files.js';
import { unreleasedError } from '../engine/errors.js';
import { BELIEVED_PART } from '../engine/limits.js';
import { settleInBackground } from '../engine/settle.js';
import { endClaim, type Claim } from './claim.js';
import type { RedisConfig } from './config.js';
import type { RedisConnection } from './connection.js';
import { redisError } from './errors.js';
import type { HeldClaims } from './held.js';

/** What the parts of this backend share. */
export interface RedisContext {
  readonly connection: RedisConnection;
  /** `host:port` and the address without credentials, for messages. */
  readonly server: string;
  readonly display: string;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  /** How a worker reaches the same server; where only the caller's own client does, the client that renews. */
  readonly renewals: RedisConfig | HeldClaims;
}

const RENEWAL = distUrl('backends/redis/renewal.js');

/** @param startedAt lease clock, before the request was sent: the server's own time began no earlier. */
export function grantOf(context: RedisContext, claim: Claim, fencingToken: bigint, startedAt: number): Grant {
  const durationMs = claim.leaseDurationMs * BELIEVED_PART;
  const deadline = startedAt + durationMs;
  const { renewals } = context;
  return {
    fencingToken,
    lease: {
      durationMs,
      deadline,
      isReleaseSafe: true,
      renewal:
        'extend' in renewals
          ? { ...renewalOn(renewals, claim), release: () => release(context, claim) }
          : { module: RENEWAL, shared: renewals, state: claim },
    },
    check: (marginMs) => (context.leaseClock.now() + marginMs < deadline ? undefined : 'expired'),
    onLost: () => undefined,
    release: () => release(context, claim),
  };
}

/** The owner's thread releases: see {@link Lease.isReleaseSafe}. */
export function renewalOn(held: HeldClaims, claim: Claim): Renewal {
  return {
    renew: (remainingMs) => held.extend(claim, remainingMs),
    watch: (hold) => held.watch(claim, hold),
    release: () => Promise.resolve(),
  };
}

async function release(
  { connection, clock, leaseClock, ...context }: RedisContext,
  claim: Claim,
): Promise<void> {
  const endsAt = leaseClock.now() + claim.leaseDurationMs;
  try {
    await endClaim(connection, claim, SERVER_ANSWER_MS);
  } catch (error) {
    void settleInBackground(
      clock,
      () => leaseClock.now() >= endsAt,
      () => endClaim(connection, claim, SERVER_ANSWER_MS),
    );
    const named = { shown: `${context.display}#${claim.resource}`, server: context.server };
    const cause = redisError(error, named.shown, named.server);
    throw unreleasedError(named, 'at the latest when its lease ends', cause);
  }
}
