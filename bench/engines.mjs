// Locks over engines against what the engine itself costs on the same connection, and against other lock clients.
import { execFileSync } from 'node:child_process';

import { nodeRound } from './harness.mjs';
import { dispose, etcd, postgres, redis } from './servers.mjs';

const round = (contestant, url) => nodeRound('rounds/engines.mjs', contestant, url);
/** A process for each lock, as that tool works. Microseconds. */
function etcdctl(url) {
  const endpoint = url.replace('etcd://', '');
  return () => {
    const startedAt = performance.now();
    execFileSync('etcdctl', ['--endpoints', endpoint, 'lock', 'bench', 'true'], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: 'ignore',
    });
    return (performance.now() - startedAt) * 1_000;
  };
}

const TITLE = 'acquire and release, uncontended';

export const suite = {
  title: 'Engines',
  notes: [
    'One server each on loopback, one caller, a process of its own for every round. The limit is what the engine itself takes for the same work on the same connection: the bare scripts, statements and requests.',
  ],
  experiments: [
    {
      id: 'redis',
      rounds: 9,
      measures: [
        {
          id: 'time',
          title: `redis: ${TITLE}`,
          unit: 'us',
          isChart: true,
          subject: 'holdfast',
          target: { to: 'bare scripts', ratioAtMost: 1.15 },
          note: 'both take one round trip to take and one to release. "bare scripts" is a node-redis client as it comes, which makes an AbortSignal for each command; ours and "untimed" do without, since each of our commands has a deadline on one shared timer. What is left above "untimed" is some 20 us of JavaScript for both halves, evenly spread in the profile: queue, guard, note, the order to the thread that renews, deadlines, two more promises for each command. redlock writes through ioredis at once, node-redis on the next turn of the loop.',
        },
      ],
      async contestants({ directory }) {
        const url = await redis(directory);
        return {
          holdfast: round('redis holdfast', url),
          'bare scripts': round('redis bare scripts', url),
          'bare scripts, untimed': round('redis bare scripts, untimed', url),
          'two PINGs': round('redis two PINGs', url),
          redlock: round('redlock', url),
        };
      },
      dispose,
    },
    {
      id: 'postgres',
      rounds: 9,
      measures: [
        {
          id: 'time',
          title: `postgres: ${TITLE}`,
          unit: 'us',
          isChart: true,
          subject: 'holdfast',
          target: { to: 'bare advisory lock', ratioAtMost: 1.5 },
          note: 'one statement to take and one to release, planned once for a session. The token is the difference: every 32nd nextval is flushed to the disk, which on a slow or busy disk costs more than all else ("bare lock and token" has it too; with the flush off the ratio to the bare lock was 1.2 to 1.4). The rest is JavaScript.',
        },
      ],
      async contestants({ directory }) {
        const url = await postgres(directory);
        return {
          holdfast: round('postgres holdfast', url),
          'bare advisory lock': round('postgres bare advisory lock', url),
          'bare lock and token': round('postgres bare lock and token', url),
        };
      },
      dispose,
    },
    {
      id: 'etcd',
      rounds: 7,
      measures: [
        {
          id: 'time',
          title: `etcd: ${TITLE}`,
          unit: 'us',
          isChart: true,
          subject: 'holdfast',
          target: { to: 'bare put and delete', ratioAtMost: 1.25 },
          note: 'one transaction to take and one deletion to release, each with a flush of the log. Nearly all of it is what these two requests cost the cluster ("our two requests, bare"), and each part of them is needed: the comparison with the range of rivals decides which contender holds, the one with the tombstone keeps out a put that was given up, the lease frees what a dead holder leaves.',
        },
      ],
      async contestants({ directory }) {
        const url = await etcd(directory);
        return {
          holdfast: round('etcd holdfast', url),
          'bare put and delete': round('etcd bare put and delete', url),
          'our two requests, bare': round('etcd our two requests, bare', url),
          'etcdctl lock': etcdctl(url),
        };
      },
      dispose,
    },
  ],
};
