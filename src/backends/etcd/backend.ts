import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { encodeHolderNote } from '../../platform/holder-note.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { breakHold, listNames, readHolders } from './holders.js';
import { claimOf, endClaim, tryClaim, type Claim } from './claim.js';
import { ETCD_CAPABILITIES } from './config.js';
import type { EtcdContext } from './context.js';
import { etcdError } from './errors.js';
import { grantOf } from './grant.js';
import { assertSameLimit } from './limit.js';
import { onSession } from './on-session.js';
import { waitInQueue } from './wait.js';

/** Keys under one session lease, in the order of their creation. See PROTOCOL.md in this folder. */
export function createEtcdBackend(context: EtcdContext): Backend {
  const { gateway } = context;
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
    capabilities: ETCD_CAPABILITIES,

    tryAcquire(request): Promise<Attempt> {
      const claim = newClaim(context, request);
      return named(request.resource, () =>
        onSession(context, request, claim, async (session, budgetMs): Promise<Attempt> => {
          const standing = await tryClaim(gateway, claim, session, budgetMs);
          await assertSameLimit(context, claim, standing, budgetMs);
          if (standing.kind === 'first') {
            return { kind: 'granted', grant: grantOf(context, claim, session, standing.token) };
          }
          if (standing.kind === 'behind') await endClaim(gateway, claim.key, budgetMs);
          return { kind: 'contended' };
        }),
      );
    },

    waitAcquire(request, signal): Promise<Grant> {
      const claim = newClaim(context, request);
      return waitInQueue(context, request, claim, signal, (work) => named(request.resource, work));
    },

    inspect: (resource): Promise<readonly HolderInfo[]> =>
      named(resource, () => readHolders(gateway, resource)),
    list: () => named('', () => listNames(gateway)),
    forceRelease: (resource, holderId, options) =>
      named(resource, () => breakHold(gateway, resource, holderId, options?.isImmediate === true)),

    async [Symbol.asyncDispose]() {
      await context.sessions.close(SERVER_ANSWER_MS / 5);
      gateway.close();
    },
  };
}

function newClaim(context: EtcdContext, request: AcquireRequest): Claim {
  return claimOf(request, encodeHolderNote(context.clock.wallNow(), request.reason));
}
