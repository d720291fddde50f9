import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { encodeHolder } from '../../platform/holder-record.js';
import { isOutage } from '../../net/unavailable.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { heldTick } from '../engine/held-tick.js';
import { claimOf, endClaim, tryClaim, type Claim } from './claim.js';
import { ETCD_CAPABILITIES } from './config.js';
import { etcdError } from './errors.js';
import { grantOf, type EtcdContext } from './grant.js';
import { breakHold, FORMAT, listNames, readHolders } from './holders.js';
import { assertSameLimit, onSession } from './on-session.js';
import { claimTick, lastTick } from './tick.js';
import { weaknessesOf } from './version.js';
import { waitInQueue } from './wait.js';

/** Keys under one session lease, in the order of their creation. See PROTOCOL.md in this folder. */
export function createEtcdBackend(context: EtcdContext): Backend {
  const { client } = context;
  const shown = (resource: string): string => `${context.display}#${resource}`;

  async function named<T>(resource: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw etcdError(error, shown(resource), context.server);
    }
  }

  return {
    name: 'etcd',
    isOutage,
    capabilities: ETCD_CAPABILITIES,

    tryAcquire(request): Promise<Attempt> {
      const claim = newClaim(context, request);
      return named(request.resource, () =>
        onSession(context, request, claim, async (session, budgetMs): Promise<Attempt> => {
          const standing = await tryClaim(client, claim, session, budgetMs);
          await assertSameLimit(context, claim, standing, budgetMs);
          if (standing.kind === 'first') {
            return { kind: 'granted', grant: grantOf(context, claim, session, standing.token) };
          }
          if (standing.kind === 'behind') await endClaim(client, claim.key, budgetMs);
          return { kind: 'contended' };
        }),
      );
    },

    waitAcquire(request, signal): Promise<Grant> {
      const claim = newClaim(context, request);
      return waitInQueue(context, request, claim, signal, (work) => named(request.resource, work));
    },

    inspect: (resource): Promise<readonly HolderInfo[]> =>
      named(resource, () => readHolders(client, resource, shown(resource))),
    lastTick: (resource) => named(resource, () => lastTick(client, resource)),
    async claimTick(hold, tick): Promise<number | undefined> {
      return heldTick(shown(hold.resource), await named(hold.resource, () => claimTick(client, hold, tick)));
    },
    list: () => named('', () => listNames(client)),
    weaknesses: () => weaknessesOf(client),
    forceRelease: (resource, holderId, options) =>
      named(resource, () => breakHold(client, resource, holderId, options?.isImmediate === true)),

    async [Symbol.asyncDispose]() {
      await context.sessions.close(SERVER_ANSWER_MS / 5);
      context.watches.close();
      client.close();
    },
  };
}

function newClaim(context: EtcdContext, request: AcquireRequest): Claim {
  const note = encodeHolder(context.clock.wallNow(), request);
  return claimOf(request, `${FORMAT} ${note}`);
}
