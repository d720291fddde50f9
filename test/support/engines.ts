import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { readProcessStat } from '../../src/platform/process-stat.js';
import { freePort, isListening, until } from './ports.js';
import { connectPostgres } from './postgres-client.js';
import { hangMs } from './time.js';

/** A server process that the test started and that ends with it. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** SIGSTOP: it keeps its sockets and answers nothing. Resolves when each of its threads stands still. */
  pause(): Promise<void>;
  resume(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const run = promisify(execFile);
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export async function startServer(
  command: string,
  args: readonly string[],
  port: number,
  options: { readonly log?: string; readonly isReady?: () => boolean | Promise<boolean> } = {},
): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  living.add(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      living.delete(child);
      resolve();
    });
  });
  child.once('error', (error) => (output += String(error)));
  try {
    await until(`${command} listens on ${port}`, () => {
      if (child.pid === undefined || child.exitCode !== null) throw new Error(`${command} ended: ${output}`);
      return options.isReady?.() ?? isListening(port);
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${command} did not start: ${output}`, { cause: error });
  }
  return {
    pid: child.pid as number,
    port,
    pause: async () => {
      child.kill('SIGSTOP');
      await until(`${command} has stopped`, () => hasStopped(child.pid as number));
    },
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A thread that runs on another core may go on for a moment after the signal was sent, and answer. */
function hasStopped(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => (readProcessStat(Number(thread))?.state ?? 'T') === 'T');
}

export function serverDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-engine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** Without credentials and name. */
  readonly url: string;
  process(): ServerProcess;
  /** Kills it and starts it again on the same port with the same data directory. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Servers listen there too: on an address of a network of the test's own, to all who come. */
const publicAddress = (): readonly string[] => [process.env['HOLDFAST_TEST_ADDRESS'] ?? []].flat();

export async function startRedis(...extra: string[]): Promise<RedisServer> {
  const directory = serverDirectory();
  const port = await freePort();
  const isTls = extra.includes('--tls-port');
  const ports = isTls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
  const rest = extra.filter((argument) => argument !== '--tls-port');
  const open = publicAddress().flatMap((address) => [address, '--protected-mode', 'no']);
  const args = [...ports, '--bind', '127.0.0.1', ...open, '--save', '', '--dir', directory.path, ...rest];
  const start = (): Promise<ServerProcess> => startServer('redis-server', args, port);
  let running = await start();
  const stop = async (): Promise<void> => {
    await running.kill();
    directory.remove();
  };
  return {
    port,
    url: `${isTls ? 'rediss' : 'redis'}://127.0.0.1:${port}/0`,
    process: () => running,
    restart: async () => {
      await running.kill();
      running = await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** For `waiting for a line in a log` where a port says too little. */
export function fileContains(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes(text);
  } catch {
    return false;
  }
}

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** `postgres://holder@127.0.0.1:PORT/postgres`, trusted without a password. */
  readonly url: string;
  readonly directory: string;
  process(): ServerProcess;
  restart(): Promise<void>;
  /** Kills it, and starts one without data in its place. */
  restartEmpty(): Promise<void>;
  /** From now on `role` needs its password, or a certificate in its name; everybody else is trusted. */
  requirePasswordOf(role: string): void;
  requireCertificateOf(role: string): void;
  /** A hot standby that follows it, with the same roles. */
  startStandby(): Promise<{ readonly url: string } & AsyncDisposable>;
  stop(): Promise<void>;
}

/** initdb and postgres refuse to run as root. */
export const asPostgres = (command: string, args: readonly string[]): readonly [string, readonly string[]] =>
  process.getuid?.() === 0
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', command, ...args]]
    : [command, args];

export async function startPostgres(...extra: string[]): Promise<PostgresServer> {
  const directory = serverDirectory();
  const bin = postgresBin();
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres', directory.path]);
  const data = join(directory.path, 'data');
  const create = async (): Promise<void> => {
    const [command, args] = asPostgres(join(bin, 'initdb'), [
      '-D',
      data,
      '-A',
      'trust',
      '-N',
      '-U',
      'holder',
    ]);
    // Not in one go: what this process holds meanwhile has to be kept.
    await run(command, args);
    const rules = publicAddress().map((address) => `host all all ${address}/24 trust\n`);
    appendFileSync(join(data, 'pg_hba.conf'), rules.join(''));
  };
  await create();
  const port = await freePort();
  const settings = [
    `listen_addresses=${['127.0.0.1', ...publicAddress()].join(',')}`,
    `port=${port}`,
    `unix_socket_directories=${directory.path}`,
    'fsync=off',
    ...extra,
  ];
  const [server, serverArgs] = asPostgres(join(bin, 'postgres'), [
    '-D',
    data,
    ...settings.flatMap((s) => ['-c', s]),
  ]);
  const url = `postgres://holder@127.0.0.1:${port}/postgres`;
  const isReady = async (): Promise<boolean> => {
    if (!(await isListening(port))) return false;
    return canQuery(url);
  };
  const start = (): Promise<ServerProcess> => startServer(server, serverArgs, port, { isReady });
  let running = await start();
  const stop = async (): Promise<void> => {
    await running.kill();
    directory.remove();
  };
  const setRules = (...first: string[]): void => {
    const rest = ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'];
    writeFileSync(join(data, 'pg_hba.conf'), `${[...first, ...rest].join('\n')}\n`);
    process.kill(running.pid, 'SIGHUP');
  };
  return {
    port,
    url,
    process: () => running,
    directory: directory.path,
    restart: async () => {
      await running.kill();
      running = await start();
    },
    restartEmpty: async () => {
      await running.kill();
      rmSync(data, { recursive: true });
      await create();
      running = await start();
    },
    requirePasswordOf: (role) => setRules(`host all ${role} 127.0.0.1/32 scram-sha-256`),
    requireCertificateOf: (role) =>
      setRules(`hostssl all ${role} 127.0.0.1/32 cert`, `hostnossl all ${role} 127.0.0.1/32 reject`),
    startStandby: () => startStandby(port),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startStandby(primaryPort: number): Promise<{ readonly url: string } & AsyncDisposable> {
  const directory = serverDirectory();
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres', directory.path]);
  const data = join(directory.path, 'data');
  const from = ['-h', '127.0.0.1', '-p', String(primaryPort), '-U', 'holder'];
  const [copy, copyArgs] = asPostgres(join(postgresBin(), 'pg_basebackup'), [
    ...from,
    '-D',
    data,
    '-R',
    '-c',
    'fast',
  ]);
  await run(copy, copyArgs);
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${directory.path}`,
  ];
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const [command, commandArgs] = asPostgres(join(postgresBin(), 'postgres'), args);
  const url = `postgres://holder@127.0.0.1:${port}/postgres`;
  const running = await startServer(command, commandArgs, port, { isReady: () => canQuery(url) });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await running.kill();
      directory.remove();
    },
  };
}

function postgresBin(): string {
  const versions = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a));
  return join('/usr/lib/postgresql', versions[0] as string, 'bin');
}

async function canQuery(url: string): Promise<boolean> {
  const client = await connectPostgres(url).catch(() => undefined);
  await client?.end();
  return client !== undefined;
}

export interface EtcdMember {
  readonly clientPort: number;
  process(): ServerProcess;
  /** Kills it and starts it again with its data. */
  restart(): Promise<void>;
  /** The same, without its data. Of the only member of a cluster. */
  restartEmpty(): Promise<void>;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  /** Removes a member for good, and has another one join the cluster, at another address. */
  replace(index: number): Promise<void>;
  /** `etcd://127.0.0.1:PORT[,...]`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A cluster on loopback. It survives nothing but the test: fsync is off. */
export async function startEtcd(size = 1, ...extra: string[]): Promise<EtcdCluster> {
  const directory = serverDirectory();
  const ports = await Promise.all(Array.from({ length: size * 2 }, () => freePort()));
  const isTls = extra.includes('--cert-file');
  const scheme = isTls ? 'https' : 'http';
  const peerUrl = (index: number): string => `http://127.0.0.1:${ports[size + index]}`;
  const initial = Array.from({ length: size }, (_, index) => `n${index}=${peerUrl(index)}`).join(',');
  const start = (index: number, other: Readonly<Record<string, string>> = {}): Promise<ServerProcess> => {
    const clientUrl = `${scheme}://127.0.0.1:${ports[index]}`;
    const flags = {
      name: `n${index}`,
      'data-dir': join(directory.path, `n${index}`),
      'listen-client-urls': [
        clientUrl,
        ...publicAddress().map((address) => `http://${address}:${ports[index]}`),
      ].join(),
      'advertise-client-urls': clientUrl,
      'listen-peer-urls': peerUrl(index),
      'initial-advertise-peer-urls': peerUrl(index),
      'initial-cluster': initial,
      'initial-cluster-state': 'new',
      'initial-cluster-token': directory.path,
      'heartbeat-interval': '50',
      'election-timeout': '250',
      'log-level': 'error',
      ...other,
    };
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    args.push('--unsafe-no-fsync', ...extra);
    return startServer('etcd', args, ports[index] as number);
  };
  const running = await Promise.all(Array.from({ length: size }, (_, index) => start(index)));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.kill()));
    directory.remove();
  };
  const members = running.map((_, index) => ({
    clientPort: ports[index] as number,
    process: () => running[index] as ServerProcess,
    restart: async () => {
      await running[index]?.kill();
      running[index] = await start(index);
    },
    restartEmpty: async () => {
      await running[index]?.kill();
      rmSync(join(directory.path, `n${index}`), { recursive: true });
      running[index] = await start(index);
    },
  }));
  const url = `etcd${isTls ? 's' : ''}://${members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',')}`;
  if (!isTls) await until('the cluster has a leader', async () => (await leaderIndex(members)) !== undefined);
  const replace = async (index: number): Promise<void> => {
    const other = url.replace(`127.0.0.1:${ports[index]},`, '');
    const { members: all } = await etcdCall(other, '/v3/cluster/member/list', {});
    const old = (all as { ID: string; name: string }[]).find(({ name }) => name === `n${index}`);
    await running[index]?.kill();
    // What is proposed during an election is never answered.
    const rest = members.filter((_, member) => member !== index);
    await until('the others have a leader', async () => (await leaderIndex(rest)) !== undefined);
    await etcdCall(other, '/v3/cluster/member/remove', { ID: old?.ID });
    ports[index] = await freePort();
    ports[size + index] = await freePort();
    await etcdCall(other, '/v3/cluster/member/add', { peerURLs: [peerUrl(index)] });
    const now = Array.from({ length: size }, (_, member) => `n${member}=${peerUrl(member)}`).join(',');
    const state = { 'initial-cluster-state': 'existing', 'initial-cluster': now };
    running[index] = await start(index, { ...state, 'data-dir': join(directory.path, 'joined') });
  };
  return { members, url, replace, stop, [Symbol.asyncDispose]: stop };
}

/** Which member leads; undefined during an election. */
export async function leaderIndex(members: readonly EtcdMember[]): Promise<number | undefined> {
  for (const [index, { clientPort }] of members.entries()) {
    try {
      const reply = await fetch(`http://127.0.0.1:${clientPort}/v3/maintenance/status`, {
        method: 'POST',
        body: '{}',
        signal: AbortSignal.timeout(1_000),
      });
      const status = (await reply.json()) as { leader?: string; header?: { member_id?: string } };
      if (status.leader !== undefined && status.leader === status.header?.member_id) return index;
    } catch {
      // Stopped, or not up yet.
    }
  }
  return undefined;
}

/** One request past everything that is tested. */
export async function etcdCall(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const member = /^etcd:\/\/([^,]+)/.exec(url)?.[1];
  const reply = await fetch(`http://${member}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(hangMs),
  });
  return (await reply.json()) as Record<string, unknown>;
}
