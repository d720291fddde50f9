import type { Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { unlessAborted } from '../../net/within.js';
import { POSTGRES_CAPABILITIES } from './config.js';
import { postgresError } from './errors.js';
import { holdOf } from './hold.js';
import { listResources, readHolders, terminate, terminateHolder } from './holders.js';
import { onSession, withTokens, type Ask } from './ask.js';
import type { PostgresContext, Won } from './context.js';
import { advisoryKey } from './keys.js';
import { tryPermit, waitForPermit } from './permits.js';
import { tryStatement, waitStatement } from './statements.js';

/** Advisory locks of a Postgres server, one session per hold. See PROTOCOL.md in this folder. */
export function createPostgresBackend(context: PostgresContext): Backend {
  const shown = (resource: string): string => `${context.display}#${resource}`;

  async function named<T>(resource: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw postgresError(error, shown(resource), context.server);
    }
  }

  function grantOf({ session, label, request }: Ask, { key, token }: Won): Grant {
    const held = { session, key, mode: request.mode, label, shown: shown(request.resource) };
    return holdOf(context, held, token);
  }

  return {
    name: 'postgres',
    capabilities: POSTGRES_CAPABILITIES,

    tryAcquire(request): Promise<Attempt> {
      return named(request.resource, () =>
        onSession(context, request, async (ask): Promise<Attempt> => {
          const won = await (request.permits === undefined ? tryLock(ask) : tryPermit(ask, request.permits));
          if (won !== undefined) return { kind: 'granted', grant: grantOf(ask, won) };
          context.sessions.giveBack(ask.session);
          return { kind: 'contended' };
        }),
      );
    },

    waitAcquire(request, signal): Promise<Grant> {
      let waiting: Ask | undefined;
      const onAbort = (): void => {
        if (waiting === undefined) return;
        // Ending the connection is enough; the server, told by another session, notices a second earlier.
        waiting.session.close();
        void terminate(context, waiting.session.backendPid, waiting.sign).catch(() => undefined);
      };
      const work = named(request.resource, () =>
        onSession(context, request, async (ask): Promise<Grant> => {
          waiting = ask;
          if (signal.aborted) throw signal.reason;
          const { permits } = request;
          return grantOf(
            ask,
            await (permits === undefined ? waitForLock(ask) : waitForPermit(ask, permits, signal)),
          );
        }),
      ).finally(() => signal.removeEventListener('abort', onAbort));
      signal.addEventListener('abort', onAbort, { once: true });
      return unlessAborted(signal, work, (late) => late.release());
    },

    inspect: (resource): Promise<readonly HolderInfo[]> =>
      named(resource, () => readHolders(context, resource)),
    list: () => named('', () => listResources(context)),
    forceRelease: (resource, holderId) => named(resource, () => terminateHolder(context, resource, holderId)),

    [Symbol.asyncDispose]: () => Promise.resolve(context.sessions.close()),
  };
}

async function tryLock(ask: Ask): Promise<Won | undefined> {
  const { mode, resource } = ask.request;
  const key = advisoryKey(resource, 'lock');
  const [row] = await withTokens(ask, () => ask.query(tryStatement(mode), [key, ask.sign]));
  return row === undefined ? undefined : { key, token: BigInt(row['token'] as string) };
}

async function waitForLock(ask: Ask): Promise<Won> {
  const { mode, resource } = ask.request;
  const key = advisoryKey(resource, 'lock');
  const [row] = await withTokens(ask, () => ask.wait(waitStatement(mode), [key]));
  return { key, token: BigInt((row as { token: string }).token) };
}
