import type { Grant } from '../../core/backend.js';
import type { LeaseClock } from '../../core/lease.js';
import type { Clock } from '../../core/time.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { distUrl } from '../../platform/package-files.js';
import { unreleasedError } from '../engine/errors.js';
import { BELIEVED_PART } from '../engine/limits.js';
import { settleInBackground } from '../engine/settle.js';
import { releaseClaim, type Claim, type Released } from './claim.js';
import type { EtcdClient } from './client.js';
import type { EtcdConfig } from './config.js';
import { etcdError } from './errors.js';
import { keysOf } from './keys.js';
import type { Session, Sessions } from './session.js';
import type { Watches } from './watches.js';

/** What the parts of this backend share. */
export interface EtcdContext {
  readonly client: EtcdClient;
  readonly watches: Watches;
  readonly sessions: Sessions;
  readonly config: EtcdConfig;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  readonly server: string;
  readonly display: string;
}

/** Everything that renewing a hold needs. Plain JSON. */
export interface HeldKey {
  readonly key: string;
  readonly leaseId: string;
  /** Create revision of the key, decimal. */
  readonly revision: string;
}

const RENEWAL = distUrl('backends/etcd/renewal.js');

export function grantOf(context: EtcdContext, claim: Claim, session: Session, fencingToken: bigint): Grant {
  const { config, leaseClock } = context;
  const held: HeldKey = { key: claim.key, leaseId: session.leaseId, revision: String(fencingToken) };
  const { deadline } = session;
  session.claims++;
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
    release: async () => {
      const { locks, permits, released } = keysOf(claim.resource);
      const queue = claim.permits === undefined ? locks : permits;
      await release(context, claim, { ...held, queue, released });
      session.claims--;
    },
  };
}

async function release(context: EtcdContext, claim: Claim, released: Released): Promise<void> {
  const { client, clock, sessions, server } = context;
  try {
    await releaseClaim(client, released, SERVER_ANSWER_MS);
  } catch (error) {
    // The session lives on with its other holds, and the key with it.
    void settleInBackground(
      clock,
      () => sessions.isClosed,
      () => releaseClaim(client, released, SERVER_ANSWER_MS),
    );
    const shown = `${context.display}#${claim.resource}`;
    const free = 'as soon as the cluster answers, or when this process has ended and its lease has run out';
    throw unreleasedError({ shown, server }, free, etcdError(error, shown, server));
  }
}
