import { startPostgres, type PostgresServer } from '../../support/engines.js';
import { until } from '../../support/ports.js';
import { connectPostgres } from '../../support/postgres-client.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { IS_LOST, playable, type Playable, type Situation } from './situation.js';

async function asAdmin(url: string, ...statements: readonly string[]): Promise<void> {
  const admin = await connectPostgres(url);
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

const TERMINATE_ALL = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()';
interface Pair extends AsyncDisposable {
  readonly url: string;
  readonly primary: PostgresServer;
  readonly standbyUrl: string;
  moveOver(): void;
}

async function startPair(): Promise<Pair> {
  const primary = await startPostgres();
  const standby = await primary.startStandby();
  const proxy = await startTcpProxy(primary.port);
  return {
    url: primary.url.replace(`:${primary.port}`, `:${proxy.port}`),
    primary,
    standbyUrl: standby.url,
    moveOver: () => {
      proxy.retarget(Number(new URL(standby.url).port));
      proxy.reset();
    },
    [Symbol.asyncDispose]: async () => {
      await standby[Symbol.asyncDispose]();
      await primary.stop();
      await proxy.close();
    },
  };
}

const alone: readonly Situation<PostgresServer>[] = [
  {
    name: 'ends all sessions',
    start: () => startPostgres(),
    happen: ({ url }) => asAdmin(url, TERMINATE_ALL),
    outcomes: IS_LOST,
  },
];

const pairs: readonly Situation<Pair>[] = [
  {
    name: 'fails over to its standby, which is promoted',
    start: startPair,
    happen: async ({ primary, standbyUrl, moveOver }) => {
      await primary.process().kill();
      await asAdmin(standbyUrl, 'SELECT pg_promote()');
      await until('the standby takes writes', async () => {
        const admin = await connectPostgres(standbyUrl);
        const { rows } = await admin.query('SELECT pg_is_in_recovery() AS is_standby');
        await admin.end();
        return rows[0]?.['is_standby'] === false;
      });
      moveOver();
    },
    outcomes: IS_LOST,
  },
];

export const postgresSituations: readonly Playable[] = [...alone.map(playable), ...pairs.map(playable)];
