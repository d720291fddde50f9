// The servers of the rows about engines, on loopback, each with its data in the directory of its experiment.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

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

export async function redis(directory) {
  const port = await freePort();
  await serve('redis-server', ['--port', String(port), '--save', '', '--dir', directory], port);
  return `redis://127.0.0.1:${port}`;
}

export async function postgres(directory) {
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

export async function etcd(directory) {
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

export function dispose() {
  for (const child of running) child.kill('SIGKILL');
  running = [];
}
