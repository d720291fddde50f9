import { setTimeout as delay } from 'node:timers/promises';

import {
  leaderIndex,
  type EtcdCluster,
  type EtcdMember,
  type PostgresServer,
  type RedisServer,
} from '../../support/engines.js';
import { connectPostgres } from '../../support/postgres-client.js';
import { connectRedis } from '../../support/redis-client.js';
import { LEASE_MS, type Troubles } from './run.js';

const upTo = (ms: number): number => Math.random() * ms;

async function paused(
  server: { pause(): Promise<void>; resume(): void } | undefined,
  ms: number,
): Promise<void> {
  await server?.pause();
  await delay(ms);
  server?.resume();
}

export function redisTroubles(server: RedisServer): Troubles {
  const asAdmin = async (...commands: readonly (readonly string[])[]): Promise<void> => {
    const redis = await connectRedis(server.url);
    for (const command of commands) await redis.sendCommand(command);
    redis.destroy();
  };
  return {
    'the server is killed': () => server.restart(),
    'the server is paused': () => paused(server.process(), upTo(1.5 * LEASE_MS)),
    'connections and scripts are gone': () =>
      asAdmin(
        ['SCRIPT', 'FLUSH'],
        ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
        ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
      ),
  };
}

export function postgresTroubles(server: PostgresServer): Troubles {
  const oneSession = async (sql: string): Promise<number | undefined> => {
    const admin = await connectPostgres(server.url);
    const { rows } = await admin.query(
      `SELECT ${sql} FROM pg_stat_activity WHERE application_name LIKE 'holdfast %' ORDER BY random() LIMIT 1`,
    );
    await admin.end();
    return (rows[0] as { pid?: number } | undefined)?.pid;
  };
  return {
    'the server is killed': () => server.restart(),
    'a session is terminated': () => oneSession('pid, pg_terminate_backend(pid)'),
    'a session is paused': async () => {
      const pid = await oneSession('pid');
      if (pid === undefined) return;
      const sent = (signal: NodeJS.Signals): void => {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended meanwhile.
        }
      };
      sent('SIGSTOP');
      await delay(upTo(3 * LEASE_MS));
      sent('SIGCONT');
    },
  };
}

const anyOf = (members: readonly EtcdMember[]): EtcdMember =>
  members[Math.floor(Math.random() * members.length)] as EtcdMember;

/** No pause lasts until a leader's own count of a lease runs out: that fault has a run of its own. */
export function etcdTroubles({ members }: EtcdCluster): Troubles {
  return {
    'a member is killed': () => anyOf(members).restart(),
    'a member is killed for a while': async () => {
      const member = anyOf(members);
      await member.process().kill();
      await delay(upTo(LEASE_MS));
      await member.restart();
    },
    'a member is paused': () => paused(anyOf(members).process(), upTo(LEASE_MS / 2)),
  };
}

/** Past a lease: what comes back takes itself for the leader, with a count of the leases that is long out of date. */
export function etcdLeaderTroubles({ members }: EtcdCluster): Troubles {
  return {
    'the leader is paused': async () => {
      const leader = await leaderIndex(members);
      if (leader !== undefined) await paused(members[leader]?.process(), LEASE_MS * (1.25 + Math.random()));
    },
  };
}
