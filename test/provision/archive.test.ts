import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import {
  cleanEnvironment,
  countOf,
  holdfast,
  MAKE_ONE,
  scriptRecipe,
  versionsOf,
  writeRecipe,
} from './fixture.js';

/** A server that answers its n-th request (from 1) as `answer` says. */
async function serve(answer: (count: number, response: ServerResponse, request: IncomingMessage) => void) {
  let requests = 0;
  const server = createServer((request, response) => answer(++requests, response, request));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/tool-1.0.tar.gz`, requests: () => requests };
}

function scene(url: string, sha256?: string) {
  const directory = testDirectory();
  mkdirSync(join(directory, 'tool-1.0'));
  writeFileSync(join(directory, 'tool-1.0/seed.txt'), 'one\n');
  execFileSync('tar', ['-czf', 'tool.tar.gz', 'tool-1.0'], { cwd: directory });
  const archive = readFileSync(join(directory, 'tool.tar.gz'));
  const checksum = sha256 ?? createHash('sha256').update(archive).digest('hex');
  const counter = join(directory, 'counter');
  const source = { archive: url, sha256: checksum };
  const recipe = writeRecipe(directory, { ...scriptRecipe('', counter, MAKE_ONE), source });
  const installDir = join(directory, 'opt', 'tool');
  const env = cleanEnvironment(directory);
  return {
    archive,
    checksum,
    counter,
    recipe,
    installDir,
    env,
    args: ['setup', recipe, '--dir', installDir],
  };
}

test('downloaded, compared, unpacked without its top directory, built once; busy servers are asked again', async () => {
  let archive = Buffer.alloc(0);
  const server = await serve((count, response) => {
    if (count === 1) response.writeHead(503).end();
    else response.end(archive);
  });
  const at = scene(server.url);
  ({ archive } = at);
  const result = await holdfast(at.args, at.env);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toMatch(/attempt 1 of 4 failed: the server answered 503/);
  expect(server.requests()).toBe(2);
  expect(readFileSync(join(at.installDir, 'lib/libone.so'), 'utf8')).toBe('one\n');
  expect(readdirSync(`${at.installDir}.versions`)).toHaveLength(1);
  const stamp = JSON.parse(readFileSync(join(at.installDir, '.holdfast-stamp.json'), 'utf8')) as object;
  expect(stamp).toMatchObject({ revision: at.checksum, source: server.url });
  // There is nothing newer than a checksum.
  expect((await holdfast([...at.args, '--update'], at.env)).stderr).toContain('script: cached');
  expect(countOf(at.counter)).toBe(1);
});

test('another checksum: exit 20, both named, nothing unpacked', async () => {
  let archive = Buffer.alloc(0);
  const server = await serve((_, response) => void response.end(archive));
  const at = scene(server.url, 'a'.repeat(64));
  ({ archive } = at);
  const result = await holdfast(at.args, at.env);
  expect(result).toMatchObject({ code: 20, stdout: '' });
  expect(result.stderr).toMatch(/has the SHA-256 [0-9a-f]{64}, not a{64}/);
  expect(server.requests()).toBe(1);
  expect(versionsOf(at.installDir)).toEqual([]);
});

test('404 is final', async () => {
  const server = await serve((_, response) => void response.writeHead(404).end());
  const at = scene(server.url);
  const result = await holdfast(at.args, at.env);
  expect(result).toMatchObject({ code: 20, stdout: '' });
  expect(server.requests()).toBe(1);
});

test('killed in the middle of the download: the next run begins again and leaves nothing behind', async () => {
  const at = scene('http://127.0.0.1:1/x.tar.gz');
  const dieAt = fileURLToPath(new URL('die-at.mjs', import.meta.url));
  const server = await serve((_, response) => void response.end(at.archive));
  const recipe = JSON.parse(readFileSync(at.recipe, 'utf8')) as { source: object };
  writeFileSync(at.recipe, JSON.stringify({ ...recipe, source: { ...recipe.source, archive: server.url } }));
  // It dies before it asks the server, which lives in this process and could not answer meanwhile.
  const killed = spawnSync(process.execPath, [dieAt, at.recipe, at.installDir, 'download'], { env: at.env });
  expect(killed.signal).toBe('SIGKILL');
  const id = versionsOf(at.installDir)[0] as string;
  writeFileSync(join(`${at.installDir}.versions`, `${id}.download`), 'half');
  const result = await holdfast(at.args, at.env);
  expect(result.code, result.stderr).toBe(0);
  expect(readdirSync(`${at.installDir}.versions`)).toHaveLength(1);
});

test('mirrors come in their order, and none is believed without the checksum', async () => {
  let archive = Buffer.alloc(0);
  const gone = await serve((_, response) => response.writeHead(404).end());
  const forged = await serve((_, response) => response.end('another file'));
  const good = await serve((_, response) => response.end(archive));
  const here = scene(gone.url);
  ({ archive } = here);
  const recipe = JSON.parse(readFileSync(here.recipe, 'utf8')) as { source: object };
  const source = { ...recipe.source, mirrors: [forged.url, good.url] };
  writeFileSync(here.recipe, JSON.stringify({ ...recipe, source }));
  const result = await holdfast(here.args, here.env);
  expect(result).toMatchObject({ code: 0 });
  expect(result.stderr).toContain('404');
  expect(result.stderr).toContain('has the SHA-256');
  expect([gone.requests(), forged.requests(), good.requests()]).toEqual([1, 1, 1]);
  // A mirror more or less asks for the same file.
  writeFileSync(here.recipe, JSON.stringify(recipe));
  expect(await holdfast(here.args, here.env)).toMatchObject({ code: 0 });
  expect(countOf(here.counter)).toBe(1);
});

/** What tar can be led to write elsewhere, or root's tar to make. */
const TRAPS: [name: string, member: string, options: string[]][] = [
  [
    'a path out of the tree',
    'sh -c "ln -s seed.txt tool-1.0/x"',
    ['--transform=s,tool-1.0/x,tool-1.0/../../out,S'],
  ],
  ['a device', 'mknod tool-1.0/null c 1 3', []],
  ['a FIFO', 'mkfifo tool-1.0/fifo', []],
];

test.each(TRAPS)('an archive with %s is refused, and nothing of it stays', async (_name, make, options) => {
  let archive = Buffer.alloc(0);
  const { url } = await serve((_, response) => response.end(archive));
  const directory = testDirectory();
  mkdirSync(join(directory, 'tool-1.0'));
  writeFileSync(join(directory, 'tool-1.0/seed.txt'), 'one\n');
  execFileSync('sh', ['-c', make], { cwd: directory });
  execFileSync('tar', ['-czPf', 'trap.tar.gz', ...options, 'tool-1.0'], { cwd: directory });
  archive = readFileSync(join(directory, 'trap.tar.gz'));
  const here = scene(url, createHash('sha256').update(archive).digest('hex'));
  expect(await holdfast(here.args, here.env)).toMatchObject({ code: 70, stdout: '' });
  expect(versionsOf(here.installDir)).toEqual([]);
  expect(existsSync(join(here.installDir, '..', 'out'))).toBe(false);
});
