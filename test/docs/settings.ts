import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

import { testBucket } from '../support/bucket.js';
import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { git, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { root } from './blocks.js';

/** What stands around an example: its reader would have it, and the page does not show it. */
export interface Setting {
  /** Before the example's first line. */
  readonly prelude?: string;
  /** Addresses of the page, and what they are here. */
  readonly replace?: readonly (readonly [from: string, to: string])[];
  readonly env?: NodeJS.ProcessEnv;
}

type Settle = (directory: string) => Setting | Promise<Setting>;

const HOLD = `import { acquire as take } from 'holdfast';\nconst next = {};\n`;
const TOOLCHAIN = {
  name: 'toolchain',
  source: { git: 'remote' },
  steps: [{ name: 'make', command: 'sh', arguments: ['-c', 'echo > built'] }],
  artifacts: [{ name: 'built', files: ['built'] }],
  search: ['.'],
};

/** By the word after `with=`. */
export const SETTINGS: Readonly<Record<string, Settle>> = {
  'json-file': (directory) => {
    install(directory, 'valibot');
    return { prelude: `import { JsonFile } from 'holdfast/durable';\n` };
  },
  text: () => ({ prelude: `const text = 'a,b';\n` }),
  'shared-index': (directory) => {
    const example = join(root, 'examples/shared-index');
    cpSync(example, directory, { recursive: true, filter: (path) => !path.includes('node_modules') });
    const binding = join(example, 'node_modules/@oxdev03');
    symlinkSync(binding, join(directory, 'node_modules/@oxdev03'));
    return {};
  },
  http: async () => ({ replace: [['https://example.org', await jsonServer()]] }),
  rates: () => ({ prelude: 'const queryRates = async (signal) => ({ eur: 1 });\n' }),
  metrics: () => ({
    prelude:
      `import { HttpCache } from 'holdfast/cache';\n` +
      `const [file, url, metrics] = ['x.json', 'http://127.0.0.1/', { count: () => {} }];\n`,
  }),
  redis: async (directory) => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    install(directory, 'redis');
    const client =
      `import { createClient } from 'redis';\nconst client = await createClient({ url: '${server.url}' }).connect();\n` +
      `const guard = await take('${server.url}#x');\nprocess.on('beforeExit', () => process.exit());\n` +
      `setTimeout(async () => { await guard.release(); await client.close(); }, 300);\n` +
      `const db = { query: async () => {} };\n`;
    const addresses = ['redis://cache.internal/0', 'redis://127.0.0.1:6379'];
    return { prelude: HOLD + client, replace: addresses.map((from) => [from, server.url]) };
  },
  s3: async () => {
    const bucket = await testBucket();
    const from = 's3://builds/';
    const queries = ['index.json', 'locks'].map((path): [string, string] => [
      `${from}${path}`,
      `s3://bucket/${path}?endpoint=${bucket.endpoint}`,
    ]);
    return { prelude: `import { withLock } from 'holdfast';\n`, env: bucket.env, replace: queries };
  },
  etcd: async () => {
    const cluster = await startEtcd(1);
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const guard = `const guard = await take('${cluster.url}#x');\nsetTimeout(() => guard.release(), 300);\n`;
    const addresses = ['etcd://e1:2379,e2:2379,e3:2379', 'etcd://e1:2379'];
    return { prelude: HOLD + guard, replace: addresses.map((from) => [from, cluster.url]) };
  },
  postgres: async (directory) => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    install(directory, 'pg');
    const client =
      `import pg from 'pg';\nconst pool = new pg.Pool({ connectionString: '${server.url}' });\n` +
      `await pool.query('CREATE TABLE account (id int, balance int, fence bigint NOT NULL DEFAULT 0)');\n` +
      `await pool.query('INSERT INTO account VALUES (7, 0)');\n` +
      `const guard = await take('${server.url}#x', { fencing: true });\n` +
      `setTimeout(async () => { await guard.release(); await pool.end(); }, 500);\n`;
    return { prelude: HOLD + client, replace: [['postgres://app@db.internal/app', server.url]] };
  },
  toolchain: (directory) => {
    const remote = join(directory, 'remote');
    execFileSync('git', ['init', '-q', remote], { env: GIT_ENV });
    const as = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    execFileSync('git', ['-C', remote, ...as, 'commit', '-q', '--allow-empty', '-m', 'x'], { env: GIT_ENV });
    writeFileSync(
      join(directory, 'toolchain.json'),
      JSON.stringify({ ...TOOLCHAIN, source: { git: remote } }),
    );
    return { env: { XDG_DATA_HOME: join(directory, 'data') } };
  },
  remote: async (directory) => {
    const { url } = await testRemote();
    await git(directory, 'init', '-q');
    await git(directory, 'remote', 'add', 'origin', url);
    writeFileSync(join(directory, 'items'), 'item-1 item-2\n');
    writeFileSync(join(directory, 'build.sh'), '#!/bin/sh\n', { mode: 0o755 });
    return { prelude: 'work() { :; }\n', env: { ...GIT_ENV, HOSTNAME: 'desk', HOLDFAST_AGENT: 'reader' } };
  },
};

/** A package of this repository's, as if the reader had installed it. */
function install(directory: string, name: string): void {
  const target = join(directory, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), target);
}

async function jsonServer(): Promise<string> {
  const server = createServer((_, response) =>
    response.end(JSON.stringify([{ name: 'temurin', version: 21 }])),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
