import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { startPostgres, type PostgresServer } from '../../support/engines.js';
import { fillUp, fullDisk } from '../../support/full-disk.js';
import { until } from '../../support/ports.js';
import { connectPostgres } from '../../support/postgres-client.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { GOES_ON, IS_LOST, playable, type Playable, type Situation } from './situation.js';

async function asAdmin(url: string, ...statements: readonly string[]): Promise<void> {
  const admin = await connectPostgres(url);
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

/** Those that wait first: one that outlived its holder would be granted the lock, and then lose it. */
const TERMINATE_ALL = `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() ORDER BY (wait_event_type = 'Lock') DESC NULLS LAST) AS sessions`;
/** A proof of the session counts for 10 s. */
const PAST_PROOF_MS = 12_000;

interface Guarded extends AsyncDisposable {
  /** Of the role `guarded`, with its password. */
  readonly url: string;
  readonly server: PostgresServer;
}

async function startGuarded(): Promise<Guarded> {
  const server = await startPostgres();
  await asAdmin(
    server.url,
    "CREATE ROLE guarded LOGIN PASSWORD 'old'",
    'GRANT CREATE ON SCHEMA public TO guarded',
    'GRANT pg_signal_backend TO guarded',
  );
  server.requirePasswordOf('guarded');
  return {
    url: server.url.replace('holder@', 'guarded:old@'),
    server,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

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

function startOnSmallDisk(): Promise<PostgresServer> {
  const { TMPDIR } = process.env;
  // Where servers of tests have their data. Nobody else runs before it is read.
  const { directory } = fullDisk(120 * 1_024);
  // The server runs as a user of its own.
  chmodSync(dirname(directory), 0o711);
  process.env['TMPDIR'] = directory;
  try {
    return startPostgres();
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}

/** The server and each of its sessions. */
function processesOf(server: PostgresServer): readonly number[] {
  const { pid } = server.process();
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)]).toString();
  return [pid, ...children.split('\n').map(Number).filter(Boolean)];
}

const alone: readonly Situation<PostgresServer>[] = [
  {
    name: 'restarts with its data',
    isQuick: true,
    start: () => startPostgres(),
    happen: (server) => server.restart(),
    outcomes: IS_LOST,
  },
  {
    name: 'restarts without its data',
    start: () => startPostgres(),
    happen: (server) => server.restartEmpty(),
    outcomes: IS_LOST,
  },
  {
    name: 'is paused past the proof of a session',
    start: () => startPostgres(),
    happen: async (server) => {
      const processes = processesOf(server);
      for (const pid of processes) process.kill(pid, 'SIGSTOP');
      await delay(PAST_PROOF_MS);
      for (const pid of processes) process.kill(pid, 'SIGCONT');
    },
    outcomes: IS_LOST,
  },
  {
    name: 'ends all sessions',
    isQuick: true,
    start: () => startPostgres(),
    happen: ({ url }) => asAdmin(url, TERMINATE_ALL),
    outcomes: IS_LOST,
  },
  {
    name: 'gets another user',
    start: () => startPostgres(),
    happen: ({ url }) => asAdmin(url, "CREATE ROLE other LOGIN PASSWORD 'secret'"),
    outcomes: GOES_ON,
  },
  {
    name: 'makes new sessions read-only',
    isQuick: true,
    start: () => startPostgres(),
    happen: ({ url }) =>
      asAdmin(url, 'ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()'),
    outcomes: GOES_ON,
  },
  {
    name: 'has a full disk',
    start: startOnSmallDisk,
    // A lock needs no room: the server's memory holds it, and its log has some left for the sequence.
    happen: ({ directory }) => Promise.resolve(fillUp(directory)),
    outcomes: GOES_ON,
  },
];

const guarded: readonly Situation<Guarded>[] = [
  {
    name: 'gets another password for the user',
    start: startGuarded,
    happen: ({ server }) => asAdmin(server.url, "ALTER ROLE guarded PASSWORD 'new'"),
    // Sessions that are open stay open; the command that breaks is a new one.
    outcomes: { ...GOES_ON, holder: 143, breaker: 69 },
  },
  {
    name: 'gets another password for the user, and ends all sessions',
    start: startGuarded,
    happen: ({ server }) => asAdmin(server.url, "ALTER ROLE guarded PASSWORD 'new'", TERMINATE_ALL),
    outcomes: { holder: 76, permit: 76, waiter: 69, spare: 'standing by', breaker: 69 },
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

export const postgresSituations: readonly Playable[] = [
  ...alone.map(playable),
  ...guarded.map(playable),
  ...pairs.map(playable),
];
