// Locks over engines against what the engine itself costs on the same connection, and against other lock clients.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { nodeRound } from './harness.mjs';

let running = [];

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function serve(command, args, port) {
  const child = spawn(command, args, { stdio: 'ignore' });
  running.push(child);
  for (let tries = 0; tries < 400; tries++) {
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.destroy(resolve(true)));
      socket.once('error', () => resolve(false));
    });
    if (isUp) return;
    await delay(25);
  }
  throw new Error(`${command} did not start.`);
}

async function redis(directory) {
  const port = await freePort();
  await serve('redis-server', ['--port', String(port), '--save', '', '--dir', directory], port);
  return `redis://127.0.0.1:${port}`;
}

async function postgres(directory) {
  const port = await freePort();
  const bin = join('/usr/lib/postgresql', readdirSync('/usr/lib/postgresql').at(-1), 'bin');
  const home = join(directory, 'pg');
  mkdirSync(home);
  const isRoot = process.getuid() === 0;
  if (isRoot) execFileSync('chown', ['postgres', directory, home]);
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : ['env'];
  execFileSync(
    as[0],
    [...as.slice(1), join(bin, 'initdb'), '-D', join(home, 'd'), '-A', 'trust', '-N', '-U', 'bench'],
    {
      stdio: 'ignore',
    },
  );
  const settings = [
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${home}`,
  ];
  await serve(as[0], [...as.slice(1), join(bin, 'postgres'), '-D', join(home, 'd'), ...settings], port);
  await delay(500);
  return `postgres://bench@127.0.0.1:${port}/postgres`;
}

async function etcd(directory) {
  const [port, peer] = [await freePort(), await freePort()];
  const urls = ['client', 'peer'].flatMap((kind) => {
    const url = `http://127.0.0.1:${kind === 'client' ? port : peer}`;
    return [
      `--listen-${kind}-urls`,
      url,
      kind === 'client' ? '--advertise-client-urls' : '--initial-advertise-peer-urls',
      url,
    ];
  });
  const initial = ['--initial-cluster', `default=http://127.0.0.1:${peer}`, '--log-level', 'error'];
  await serve('etcd', ['--data-dir', join(directory, 'etcd'), ...urls, ...initial], port);
  await delay(1_500);
  return `etcd://127.0.0.1:${port}`;
}

function dispose() {
  for (const child of running) child.kill('SIGKILL');
  running = [];
}

const round = (contestant, url) => nodeRound('rounds/engines.mjs', contestant, url);
const holds = (contestant, url) => nodeRound('rounds/engine-holds.mjs', contestant, url);

/** 1000 holds of one process, taken at once: microseconds for each. */
function manyHolds(name, start, others) {
  return {
    id: `${name}-holds`,
    rounds: 7,
    measures: [
      {
        id: 'time',
        title: `${name}: 1000 locks of one process, taken at once, each`,
        unit: 'us',
        subject: 'holdfast',
        note: 'they share the connections of their process: one, and with leases one more for the thread that renews.',
      },
    ],
    async contestants({ directory }) {
      const url = await start(directory);
      const names = ['holdfast', ...others];
      return Object.fromEntries(names.map((contestant) => [contestant, holds(contestant, url)]));
    },
    dispose,
  };
}

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
    manyHolds('redis', redis, ['redlock']),
    manyHolds('postgres', postgres, ['advisory locks, one client']),
    manyHolds('etcd', etcd, []),
  ],
};
