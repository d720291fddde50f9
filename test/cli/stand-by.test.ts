import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startHoldfast } from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';
import { threeEngines } from '../support/three-engines.js';
import { hangMs, machineUnit } from '../support/time.js';

const RESTARTS = 3;
const leaseMs = Math.ceil(3_000 * machineUnit);
/** How long the lock may stay without a leader, once the server is back. */
const leaderlessMs = leaseMs + 5_000 * machineUnit;
const engines = threeEngines();

interface Server {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const SERVERS: Readonly<Record<string, () => Server>> = {
  redis: () => serverOf(engines.redis.url, engines.redis),
  postgres: () => serverOf(engines.postgres.url, engines.postgres),
  etcd: () => {
    const [member] = engines.etcd.members;
    if (member === undefined) throw new Error('the cluster has no member');
    return serverOf(engines.etcd.url, member);
  },
};

type Restartable = Pick<(typeof engines)['redis'], 'process' | 'restart'>;

function serverOf(url: string, server: Restartable): Server {
  return { url, kill: () => server.process().kill(), restart: () => server.restart() };
}

test.each(Object.keys(SERVERS))(
  '--stand-by on %s: a leader and two spares outlast three restarts of the server',
  async (engine) => {
    const { url, kill, restart } = (SERVERS[engine] as () => Server)();
    const directory = testDirectory();
    const log = join(directory, 'log');
    writeFileSync(log, '');
    const flags = ['--stand-by', '--lease', `${leaseMs}ms`, '--grace', '1s', `${url}#spares`];
    const command = ['sh', '-c', 'echo $$ >> log; exec sleep 1000'];
    const wrappers = [1, 2, 3].map(() => startHoldfast(directory, ['run', ...flags, '--', ...command]));
    const leaders = (): number[] => {
      const pids = readFileSync(log, 'utf8').split('\n').slice(0, -1).map(Number);
      return pids.filter((pid) => !isGone(pid));
    };
    const waiting = /Waiting for|standing by/i;
    await eventually('one leads', () => leaders().length === 1);
    await eventually('two wait', () => wrappers.filter(({ stderr }) => waiting.test(stderr())).length >= 2);
    for (let round = 0; round < RESTARTS; round++) {
      await kill();
      await eventually('the leader is ended', () => leaders().length === 0);
      await restart();
      await eventually('one leads again', () => leaders().length === 1, leaderlessMs);
      expect(wrappers.map(({ pid }) => isGone(pid))).toEqual([false, false, false]);
    }
    expect(leaders()).toHaveLength(1);
  },
  (RESTARTS + 2) * hangMs,
);
