import type { Grant } from '../../core/backend.js';
import { LockError } from '../../core/errors.js';
import type { Renewal, RenewalOutcome } from '../../core/lease.js';
import { distUrl } from '../../platform/native.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import type { EtcdContext } from './context.js';
import { endClaim, type Claim } from './claim.js';
import { etcdError } from './errors.js';
import type { Gateway } from './gateway.js';
import { keyValues, rangeRequest, only } from './requests.js';
import { BELIEVED_PART, keepAlive, type Session } from './session.js';

/** Everything that renewing and releasing a hold need. Structured-cloneable. */
export interface HeldKey {
  readonly key: string;
  readonly leaseId: string;
  /** For messages. */
  readonly shown: string;
  readonly server: string;
}

const RENEWAL = distUrl('backends/etcd/renewal.js');

export function grantOf(context: EtcdContext, claim: Claim, session: Session, fencingToken: bigint): Grant {
  const { config, server, display, gateway, leaseClock } = context;
  const held: HeldKey = {
    key: claim.key,
    leaseId: session.leaseId,
    shown: `${display}#${claim.resource}`,
    server,
  };
  const { deadline } = session;
  return {
    fencingToken,
    lease: {
      durationMs: session.ttlMs * BELIEVED_PART,
      deadline,
      isReleaseSafe: true,
      renewal: { module: RENEWAL, shared: config, state: held },
    },
    check: (marginMs) => (leaseClock.now() + marginMs < deadline ? undefined : 'expired'),
    onLost: () => undefined,
    release: () => release(gateway, held),
  };
}

/**
 * Renews the session on behalf of one of its holds, and looks whether that hold's own key is still there and still the
 * session's: an administrator can delete it, and a break puts it on a lease of its own.
 */
export function renewalOf(gateway: Gateway, held: HeldKey): Renewal {
  return {
    async renew(remainingMs): Promise<RenewalOutcome> {
      const budgetMs = Math.min(SERVER_ANSWER_MS, remainingMs);
      const [isAlive, answer] = await Promise.all([
        keepAlive(gateway, held.leaseId, budgetMs),
        gateway.call('/v3/kv/range', rangeRequest(only(held.key), { keysOnly: true }), budgetMs),
      ]);
      if (!isAlive) return 'expired';
      const [own] = keyValues(answer);
      if (own === undefined) return 'record-missing';
      return own.lease === held.leaseId ? 'extended' : 'taken';
    },
    release: async (isLost) => {
      try {
        await release(gateway, held);
      } catch (error) {
        // What was lost blocks others for no longer than its lease; there is nobody left to warn.
        if (!isLost) throw error;
      }
    },
  };
}

async function release(gateway: Gateway, { key, shown, server }: HeldKey): Promise<void> {
  try {
    await endClaim(gateway, key, SERVER_ANSWER_MS);
  } catch (error) {
    throw new LockError(
      `Could not release "${shown}": ${server} did not confirm it. It is free at the latest when this process ends and its lease runs out.`,
      { code: 'HOLDFAST_NETWORK', resource: shown, cause: etcdError(error, shown, server) },
    );
  }
}
