import { startRedis, type RedisServer } from '../../support/engines.js';
import { fillUp, fullDisk } from '../../support/full-disk.js';
import { until } from '../../support/ports.js';
import { connectRedis } from '../../support/redis-client.js';
import { GOES_ON, IS_LOST, playable, type Playable, type Situation } from './situation.js';

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
  readonly url: string;
  readonly primary: RedisServer;
  readonly replica: RedisServer;
}

async function startPair(): Promise<Pair> {
  const [primary, replica] = await Promise.all([startRedis(), startRedis()]);
  await asAdmin(replica.url, ['REPLICAOF', '127.0.0.1', String(primary.port)]);
  await until('the replica is in step', async () => {
    const [info] = await asAdmin(replica.url, ['INFO', 'replication']);
    return String(info).includes('master_link_status:up');
  });
  return {
    url: primary.url,
    primary,
    replica,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([primary.stop(), replica.stop()]);
    },
  };
}

/** Writes are refused, reads are not: nothing is renewed, and each command is told why. */
const TAKES_NO_WRITES = { holder: 76, permit: 76, waiter: 74, spare: 74, breaker: 75 } as const;

const alone: readonly Situation<RedisServer>[] = [
  {
    name: 'restarts with its data',
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
    happen: (server) => server.restart(),
    outcomes: GOES_ON,
  },
  {
    name: 'restarts without its data',
    start: () => startRedis(),
    happen: (server) => server.restart(),
    outcomes: IS_LOST,
  },
  {
    name: 'ends all connections',
    start: () => startRedis(),
    happen: ({ url }) => asAdmin(url, ...KILL_ALL),
    outcomes: GOES_ON,
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
