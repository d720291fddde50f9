import type { Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { isOutage } from '../../net/unavailable.js';
import { answerBudgetMs, unlessAborted } from '../../net/within.js';
import { POSTGRES_CAPABILITIES } from './config.js';
import { isAnswer, postgresError } from './errors.js';
import { grantOf, type PostgresContext } from './hold.js';
import { breakHold, listResources, readHolders } from './holders.js';
import type { Session } from './session.js';
import { tryLock } from './take.js';
import { waitForGrant } from './wait.js';

/** Advisory locks of a Postgres server. See PROTOCOL.md in this folder. */
export function createPostgresBackend(context: PostgresContext): Backend {
  const { sessions } = context;
  const shown = (resource: string): string => `${context.display}#${resource}`;

  async function named<T>(resource: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw postgresError(error, shown(resource), context.server);
    } finally {
      sessions.sweepSoon();
    }
  }

  /** On the main session, on another one when that died in its sleep: then it took along what it was asked for. */
  async function onMain<T>(budgetMs: number, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await sessions.main(budgetMs);
    try {
      return await work(session);
    } catch (error) {
      if (session.isOpen || isAnswer(error)) throw error;
    }
    return work(await sessions.main(budgetMs));
  }

  return {
    name: 'postgres',
    isOutage,
    capabilities: POSTGRES_CAPABILITIES,

    tryAcquire(request): Promise<Attempt> {
      const budgetMs = answerBudgetMs(request.timeoutMs);
      return named(request.resource, async (): Promise<Attempt> => {
        const won = await onMain(budgetMs, (session) => tryLock(session, request, budgetMs));
        return won === undefined
          ? { kind: 'contended' }
          : { kind: 'granted', grant: grantOf(context, request, won) };
      });
    },

    waitAcquire(request, signal): Promise<Grant> {
      const work = named(request.resource, () => waitForGrant(context, request, signal));
      return unlessAborted(signal, work, (late) => late.release());
    },

    inspect: (resource): Promise<readonly HolderInfo[]> =>
      named(resource, () => readHolders(context, resource)),
    list: () => named('', () => listResources(context)),
    forceRelease: (resource, holderId, options) =>
      named(resource, () => breakHold(context, resource, holderId, options?.isImmediate === true)),

    [Symbol.asyncDispose]: () => Promise.resolve(sessions.close()),
  };
}
