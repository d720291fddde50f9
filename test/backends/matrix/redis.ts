import { setTimeout as delay } from 'node:timers/promises';

import { startRedis, type RedisServer } from '../../support/engines.js';
import { fillUp, fullDisk } from '../../support/full-disk.js';
import { until } from '../../support/ports.js';
import { connectRedis } from '../../support/redis-client.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { GOES_ON, IS_LOST, LEASE_MS, playable, type Playable, type Situation } from './situation.js';

async function asAdmin(url: string, ...commands: readonly (readonly string[])[]): Promise<unknown[]> {
  const redis = await connectRedis(url);
  const answers: unknown[] = [];
  for (const command of commands) answers.push(await redis.sendCommand(command).catch(() => undefined));
  redis.destroy();
  return answers;
}

const KILL_ALL = [
  ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
  ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
] as const;

interface Pair extends AsyncDisposable {
  /** Leads to the primary. */
  readonly url: string;
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** From now on it leads to the replica. */
  moveOver(): void;
}

async function startPair(): Promise<Pair> {
  const [primary, replica] = await Promise.all([startRedis(), startRedis()]);
  await asAdmin(replica.url, ['REPLICAOF', '127.0.0.1', String(primary.port)]);
  await until('the replica is in step', async () => {
    const [info] = await asAdmin(replica.url, ['INFO', 'replication']);
    return String(info).includes('master_link_status:up');
  });
  const proxy = await startTcpProxy(primary.port);
  return {
    url: primary.url.replace(`:${primary.port}`, `:${proxy.port}`),
    primary,
    replica,
    moveOver: () => {
      proxy.retarget(replica.port);
      proxy.reset();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([primary.stop(), replica.stop(), proxy.close()]);
    },
  };
}

/** Writes are refused, reads are not: nothing is renewed, and each command is told why. */
const TAKES_NO_WRITES = { holder: 76, permit: 76, waiter: 74, spare: 74, breaker: 75 } as const;

const alone: readonly Situation<RedisServer>[] = [
  {
    name: 'restarts with its data',
    isQuick: true,
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
    happen: (server) => server.restart(),
    outcomes: GOES_ON,
  },
  {
    name: 'restarts without its data',
    isQuick: true,
    start: () => startRedis(),
    happen: (server) => server.restart(),
    outcomes: IS_LOST,
  },
  {
    name: 'is paused past the lease',
    start: () => startRedis(),
    happen: async (server) => {
      await server.process().pause();
      await delay(1.5 * LEASE_MS);
      server.process().resume();
    },
    outcomes: IS_LOST,
  },
  {
    name: 'ends all connections',
    isQuick: true,
    start: () => startRedis(),
    happen: ({ url }) => asAdmin(url, ...KILL_ALL),
    outcomes: GOES_ON,
  },
  {
    name: 'gets another password, and ends all connections',
    isQuick: true,
    start: () => startRedis(),
    happen: ({ url }) => asAdmin(url, ['CONFIG', 'SET', 'requirepass', 'new'], ...KILL_ALL),
    outcomes: { holder: 76, permit: 76, waiter: 69, spare: 'standing by', breaker: 69 },
  },
  {
    name: 'gets another user',
    start: () => startRedis(),
    happen: ({ url }) => asAdmin(url, ['ACL', 'SETUSER', 'other', 'on', '>secret', '~*', '+@all']),
    outcomes: GOES_ON,
  },
  {
    name: 'takes no writes for want of replicas',
    start: () => startRedis(),
    happen: ({ url }) => asAdmin(url, ['CONFIG', 'SET', 'min-replicas-to-write', '1']),
    outcomes: TAKES_NO_WRITES,
  },
  {
    name: 'has a full disk, and takes no writes',
    start: () => {
      const { directory } = fullDisk(256);
      return startRedis('--dir', directory, '--save', '3600', '1');
    },
    happen: async ({ url }) => {
      const [answer] = await asAdmin(url, ['CONFIG', 'GET', 'dir']);
      const directory = JSON.stringify(answer).match(/\/[^"]*/)?.[0] as string;
      fillUp(directory);
      await asAdmin(url, ['SET', 'large', 'x'.repeat(100_000)], ['BGSAVE']);
      await until('the dump has failed', async () => {
        const [info] = await asAdmin(url, ['INFO', 'persistence']);
        return String(info).includes('rdb_last_bgsave_status:err');
      });
    },
    outcomes: TAKES_NO_WRITES,
  },
];

const pairs: readonly Situation<Pair>[] = [
  {
    name: 'fails over to its replica, which is promoted',
    start: startPair,
    happen: async ({ primary, replica, moveOver }) => {
      await asAdmin(primary.url, ['WAIT', '1', '1000']);
      await primary.process().kill();
      await asAdmin(replica.url, ['REPLICAOF', 'NO', 'ONE']);
      moveOver();
    },
    outcomes: GOES_ON,
  },
  {
    name: 'becomes a replica',
    start: startPair,
    happen: ({ primary, replica }) =>
      Promise.all([
        asAdmin(replica.url, ['REPLICAOF', 'NO', 'ONE']),
        asAdmin(primary.url, ['REPLICAOF', '127.0.0.1', String(replica.port)]),
      ]),
    outcomes: { holder: 76, permit: 76, waiter: 78, spare: 78, breaker: 78 },
  },
];

export const redisSituations: readonly Playable[] = [...alone.map(playable), ...pairs.map(playable)];
