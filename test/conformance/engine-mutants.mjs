// Engine backends with one bug each, which the suite must find. A mutant is loaded by child processes too, by its name.
import { createEtcdBackend } from '../../dist/backends/etcd/backend.js';
import { EtcdClient } from '../../dist/backends/etcd/client.js';
import { etcdConfig } from '../../dist/backends/etcd/config.js';
import { Sessions as EtcdSessions } from '../../dist/backends/etcd/session.js';
import { Watches } from '../../dist/backends/etcd/watches.js';
import { createPostgresBackend } from '../../dist/backends/postgres/backend.js';
import { ownClients } from '../../dist/backends/postgres/client.js';
import { postgresConfig } from '../../dist/backends/postgres/config.js';
import { Exchange } from '../../dist/backends/postgres/exchange.js';
import { Sessions as PostgresSessions } from '../../dist/backends/postgres/sessions.js';
import { createRedisBackend } from '../../dist/backends/redis/backend.js';
import { redisConfig } from '../../dist/backends/redis/config.js';
import { OwnConnection } from '../../dist/backends/redis/connection.js';
import { HeldClaims } from '../../dist/backends/redis/held.js';
import { RELEASE, TAKE } from '../../dist/backends/redis/scripts.js';
import { Deadlines } from '../../dist/core/time.js';
import { systemClock as clock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';
import { clientOf } from '../../dist/testing/index.js';
import { processKeeper, serverAddress } from './subjects/engine.mjs';
import { subject as etcd } from './subjects/etcd.mjs';
import { subject as postgres } from './subjects/postgres.mjs';
import { subject as redis } from './subjects/redis.mjs';

/** Redis with other scripts: `scripts` maps the hash of ours to the source that runs in its place. */
function redisRunning(scripts) {
  return () => {
    const config = redisConfig(serverAddress('HOLDFAST_TEST_REDIS'));
    const own = new OwnConnection(config, clock);
    const connection = {
      command: ([name, sha, ...rest], budgetMs) => {
        const source = name === 'EVALSHA' ? scripts.get(sha) : undefined;
        return own.command(source === undefined ? [name, sha, ...rest] : ['EVAL', source, ...rest], budgetMs);
      },
      listen: (channel, listener) => own.listen(channel, listener),
      close: () => own.close(),
    };
    const { server, display } = config;
    // Without a configuration for the worker it renews here, through this connection.
    const renewals = new HeldClaims(clock, connection);
    const context = { connection, server, display, clock, leaseClock, renewals };
    return clientOf(createRedisBackend(context), processKeeper());
  };
}

const replaced = ({ source }, from, to) => {
  if (!source.includes(from)) throw new Error(`The script no longer has "${from}".`);
  return source.split(from).join(to);
};
const OWNER_CHECK = `if not is_of(held, ARGV[1]) then return 0 end`;

/** etcd through a client with a bug. */
function etcdThrough(Changed, ChangedWatches = Watches) {
  return () => {
    const config = etcdConfig(serverAddress('HOLDFAST_TEST_ETCD'));
    const client = new Changed(config, clock);
    const sessions = new EtcdSessions(client, leaseClock);
    const watches = new ChangedWatches(client);
    const { server, display } = config;
    return clientOf(
      createEtcdBackend({ client, watches, sessions, config, clock, leaseClock, server, display }),
      processKeeper(),
    );
  };
}

class WithoutLease extends EtcdClient {
  call(name, request, budgetMs) {
    const { success } = request;
    if (name !== 'txn' || success === undefined) return super.call(name, request, budgetMs);
    const without = success.map((one) => (one.put ? { put: { ...one.put, lease: undefined } } : one));
    return super.call(name, { ...request, success: without }, budgetMs);
  }
}

const OLDEST_FIRST = 1;
/** Watches the oldest instead of the nearest, and takes its end for its own turn. */
class WrongPredecessor extends EtcdClient {
  async call(name, request, budgetMs) {
    if (name !== 'txn') return super.call(name, request, budgetMs);
    const success = request.success.map((one) =>
      one.range?.order === undefined ? one : { range: { ...one.range, order: OLDEST_FIRST } },
    );
    const answer = await super.call(name, { ...request, success }, budgetMs);
    const isLook = request.compare.length === 0 && success.length === 3;
    if (isLook && answer.responses[2]?.range !== undefined) answer.responses[2].range = { kvs: [] };
    return answer;
  }
}

/** Hears of no deletion. */
class Deaf extends Watches {
  add() {
    return () => {};
  }
}

function postgresBackend({ server, display, isSessionPooler }, open) {
  const deadlines = new Deadlines(clock);
  const sessions = new PostgresSessions({ open, clock, deadlines, leaseClock, display, isSessionPooler });
  return createPostgresBackend({ sessions, exchange: new Exchange(sessions, clock), clock, server, display });
}

/** Postgres over clients with a bug. `change` gets an open client, and the way to one more. */
function postgresOver(change) {
  return () => {
    const config = postgresConfig(serverAddress('HOLDFAST_TEST_POSTGRES'));
    const openOwn = ownClients(config);
    const open = async (budgetMs) => change(await openOwn(budgetMs), () => openOwn(budgetMs));
    return clientOf(postgresBackend(config, open));
  };
}

const textOf = (statement) => (typeof statement === 'string' ? statement : statement.text);

/** A client like `client`, but with what `changes` says. */
const changedClient = (client, changes) => ({
  processID: client.processID,
  query: (statement, values) => client.query(statement, values),
  on: (event, listener) => client.on(event, listener),
  removeListener: (event, listener) => client.removeListener(event, listener),
  ...changes,
});

/** Ends of its session are told to nobody, and every heartbeat is answered. */
const unheard = ({ client, close }) => ({
  close,
  client: changedClient(client, {
    on: () => undefined,
    removeListener: () => undefined,
    query: (statement, values) =>
      textOf(statement).endsWith('SELECT 1')
        ? Promise.resolve({ rows: [] })
        : client.query(statement, values),
  }),
});

/** Locks are taken on another session than the one that is kept and asked to give them back. */
const onAnotherSession = async ({ client, close }, openAnother) => {
  const other = await openAnother();
  return {
    close,
    client: changedClient(client, {
      query: (statement, values) =>
        (/advisory_lock/.test(textOf(statement)) ? other.client : client).query(statement, values),
    }),
  };
};

/** name: [the case that must fail, how it says so, the unsound subject] */
export const mutants = {
  'redis: taken whoever holds': [
    'EXCL-2',
    /another program was granted/,
    {
      ...redis,
      createClient: redisRunning(new Map([[TAKE.sha, replaced(TAKE, 'if held then', 'if false then')]])),
    },
  ],
  'redis: released without a look at the owner': [
    'LOST-1',
    /freed its successor/,
    { ...redis, createClient: redisRunning(new Map([[RELEASE.sha, replaced(RELEASE, OWNER_CHECK, '')]])) },
  ],
  'redis: the token counted from one, and forgotten at the release': [
    'FENCE-1',
    /token 1 follows 1/,
    {
      ...redis,
      createClient: redisRunning(
        new Map([
          [TAKE.sha, replaced(TAKE, 'local token = time[1] * 1000000 + time[2]', 'local token = 1')],
          [
            RELEASE.sha,
            replaced(
              RELEASE,
              `redis.call('DEL', KEYS[1])`,
              `redis.call('DEL', KEYS[1], (string.gsub(KEYS[1], ':lock$', ':token')))`,
            ),
          ],
        ]),
      ),
    },
  ],
  'redis: a key that never expires': [
    'DIE-2',
    /the takeover did not happen/,
    { ...redis, createClient: redisRunning(new Map([[TAKE.sha, replaced(TAKE, `, 'PX', ARGV[2])`, ')')]])) },
  ],
  'etcd: a key without a lease': [
    'DIE-2',
    /the takeover did not happen/,
    { ...etcd, createClient: etcdThrough(WithoutLease) },
  ],
  'etcd: waits for the wrong predecessor': [
    'EXCL-3',
    /overlaps/,
    { ...etcd, createClient: etcdThrough(WrongPredecessor) },
  ],
  'etcd: a wake-up that is lost': [
    'REL-3',
    /the turns of three/,
    { ...etcd, createClient: etcdThrough(EtcdClient, Deaf) },
  ],
  'postgres: a lost session that nobody hears of': [
    'LOST-1',
    /the loss/,
    { ...postgres, createClient: postgresOver(unheard) },
  ],
  'postgres: the lock on another session': [
    'REL-3',
    /the turns of three/,
    { ...postgres, createClient: postgresOver(onAnotherSession) },
  ],
  'postgres: sessions of a pooler that hands them around': [
    'EXCL-2',
    // Found by the session itself: it is told apart from the one that it was.
    /a pooler hands sessions around/,
    {
      ...postgres,
      createClient: () => {
        const config = postgresConfig(`${serverAddress('HOLDFAST_TEST_PGBOUNCER')}?pooler=session`);
        return clientOf(postgresBackend(config, ownClients(config)));
      },
    },
  ],
};

const url = new URL(import.meta.url);
for (const [name, [, , mutant]] of Object.entries(mutants)) {
  mutant.name = name;
  mutant.module = new URL(`?mutant=${encodeURIComponent(name)}`, url);
  const { createClient } = mutant;
  mutant.createClient = () => Promise.resolve(createClient());
}

/** What a child process gets that was sent here for one mutant. */
export const subject = mutants[url.searchParams.get('mutant')]?.[2];
