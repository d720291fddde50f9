import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, rename, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { whenFinished } from './finish.js';
import { testDirectory } from './directory.js';

const run = promisify(execFile);

export const TRANSPORTS = ['path', 'daemon', 'http'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Git of the tests themselves: nobody's configuration but its own. */
export const GIT_ENV: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:GIT|HOLDFAST)_/.test(name))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd, env: GIT_ENV });
  return stdout.trim();
}

export interface TestRemote {
  readonly url: string;
  /** The bare repository itself. */
  readonly path: string;
  readonly directory: string;
  /** Nobody can reach it, until {@link comeBack}. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
}

/** All of them in the soak run, by default one: where every row would repeat the same with a server in between. */
export function transportsFor(byDefault: Transport | readonly []): readonly Transport[] {
  return process.env['HOLDFAST_SOAK'] === '1' ? TRANSPORTS : [byDefault].flat();
}

/** A bare repository, served as asked until the test ends. */
export async function testRemote(transport: Transport = 'path'): Promise<TestRemote> {
  const repository = await bareRepository();
  return { ...repository, ...(await serve(transport, repository)) };
}

/** The same repository, reached in another way. */
export async function served(remote: TestRemote, transport: Transport): Promise<TestRemote> {
  return { ...remote, ...(await serve(transport, remote)) };
}

/** One over HTTP that can go wrong. */
export async function faultyRemote(): Promise<TestRemote & { readonly faults: HttpFaults }> {
  const { directory, path } = await bareRepository();
  const faults: HttpFaults = { isDown: false, losesPushReplies: false };
  return {
    url: `http://127.0.0.1:${await startHttp(directory, faults)}/remote.git`,
    path,
    directory,
    faults,
    ...switchOf(faults),
  };
}

function switchOf(faults: HttpFaults): Switch {
  const setDown = (isDown: boolean) => (): Promise<void> => {
    faults.isDown = isDown;
    return Promise.resolve();
  };
  return { goDown: setDown(true), comeBack: setDown(false) };
}

async function bareRepository(): Promise<{ directory: string; path: string }> {
  const directory = testDirectory();
  const path = join(directory, 'remote.git');
  await git(directory, 'init', '--quiet', '--bare', path);
  await git(path, 'config', 'http.receivepack', 'true');
  return { directory, path };
}

type Repository = Pick<TestRemote, 'directory' | 'path'>;
type Switch = Pick<TestRemote, 'goDown' | 'comeBack'>;

async function serve(
  transport: Transport,
  { directory, path }: Repository,
): Promise<Switch & { readonly url: string }> {
  switch (transport) {
    case 'path': {
      const away = `${path}.away`;
      return { url: path, goDown: () => rename(path, away), comeBack: () => rename(away, path) };
    }
    case 'daemon': {
      let daemon = await startDaemon(directory);
      const { port } = daemon;
      return {
        url: `git://127.0.0.1:${port}/remote.git`,
        goDown: () => daemon.stop(),
        async comeBack() {
          daemon = await startDaemon(directory, port);
        },
      };
    }
    case 'http': {
      const faults = { isDown: false, losesPushReplies: false };
      return {
        url: `http://127.0.0.1:${await startHttp(directory, faults)}/remote.git`,
        ...switchOf(faults),
      };
    }
  }
}

export async function startDaemon(
  directory: string,
  port?: number,
  takesPushes = true,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const chosen = port ?? (await freePort());
  const daemon = spawn(
    'git',
    [
      'daemon',
      '--export-all',
      ...(takesPushes ? ['--enable=receive-pack'] : []),
      '--reuseaddr',
      '--listen=127.0.0.1',
      `--port=${chosen}`,
      `--base-path=${directory}`,
    ],
    { stdio: 'ignore', detached: true, env: GIT_ENV },
  );
  whenFinished(() => tryKillGroup(daemon.pid as number));
  while (!(await isListening(chosen))) if (daemon.exitCode !== null) throw new Error('git daemon ended');
  return {
    port: chosen,
    async stop() {
      // The group: what was started is `git`, and the listener is its child.
      tryKillGroup(daemon.pid as number);
      while (await isListening(chosen));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => setTimeout(() => resolve(false), 10));
  });
}

function tryKillGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone.
  }
}

/** What a test wants to go wrong. */
export interface HttpFaults {
  /** Every connection is dropped. */
  isDown: boolean;
  /** Pushes are carried out, and their answers are lost. */
  losesPushReplies: boolean;
  /** 403 for everything. */
  isClosed?: () => boolean;
  /** The status that answers a push, which is not carried out; what comes before it is served. */
  pushStatus?: number;
}

/** Smart HTTP: `git http-backend` behind node. */
export async function startHttp(
  directory: string,
  faults: HttpFaults = { isDown: false, losesPushReplies: false },
): Promise<number> {
  const server = createHttpServer((request, response) => {
    if (faults.isDown) request.socket.destroy();
    else if (faults.isClosed?.() === true) response.writeHead(403).end();
    else serveRequest(directory, request, response, faults);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  whenFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function serveRequest(
  directory: string,
  request: IncomingMessage,
  response: ServerResponse,
  faults: HttpFaults,
): void {
  const isPush = request.method === 'POST' && (request.url ?? '').endsWith('/git-receive-pack');
  if (isPush && faults.pushStatus !== undefined) {
    const header = { 'WWW-Authenticate': 'Basic realm="test"' };
    const status = faults.pushStatus;
    request.resume().on('end', () => response.writeHead(status, status === 401 ? header : {}).end());
    return;
  }
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...GIT_ENV,
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  backend.stdin.on('error', () => undefined);
  request.pipe(backend.stdin);
  let header = Buffer.alloc(0);
  let isBody = false;
  if (isPush && faults.losesPushReplies) {
    backend.stdout.resume().on('end', () => request.socket.destroy());
    return;
  }
  backend.stdout.on('data', (chunk: Buffer) => {
    if (isBody) return void response.write(chunk);
    header = Buffer.concat([header, chunk]);
    const end = header.indexOf('\r\n\r\n');
    if (end < 0) return;
    isBody = true;
    for (const line of header.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(header.subarray(end + 4));
  });
  backend.stdout.on('end', () => response.end());
}

/** A clone of its own, with a user of its own. */
export async function testClone(remote: TestRemote, name: string): Promise<string> {
  const path = join(remote.directory, name);
  await git(remote.directory, 'init', '--quiet', path);
  // By hand: a process for each line would be most of what many tests do.
  await appendFile(
    join(path, '.git/config'),
    `[remote "origin"]\n\turl = "${remote.url}"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[user]\n\tname = ${name}\n\temail = ${name}@example.org\n`,
  );
  return path;
}

export function clones(remote: TestRemote, ...names: string[]): Promise<string[]> {
  return Promise.all(names.map((name) => testClone(remote, name)));
}

/** Makes many claims of one: to have 1000 made by their own agents would take most of the test's time. */
export async function multiply(remote: TestRemote, id: string, count: number): Promise<void> {
  const branch = `refs/heads/holdfast/claims/${id}`;
  const record = JSON.parse(await git(remote.path, 'show', `${branch}:lock.json`)) as object;
  let stream = '';
  for (let index = 1; index < count; index++) {
    const text = JSON.stringify({ ...record, resource: `task-${index}`, nonce: `nonce-${index}` });
    stream += `commit refs/heads/holdfast/claims/task-${index}\nauthor ada <a@b> 0 +0000\ncommitter ada <a@b> 0 +0000\n`;
    stream += `data 1\nx\nM 100644 inline lock.json\ndata ${Buffer.byteLength(text)}\n${text}\n\n`;
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: remote.path, env: GIT_ENV, input: stream });
}

/** Installs a server-side hook. */
export async function serverHook(remote: TestRemote, name: string, script: string): Promise<void> {
  const path = join(remote.path, 'hooks', name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Options of the library for the agent that has the clone's name. */
export function optionsFor(clone: string): { cwd: string; agent: string; env: NodeJS.ProcessEnv } {
  return { cwd: clone, agent: basename(clone), env: GIT_ENV };
}
