import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';
import { EVERY_KIND_MODULE, EVERYTHING } from './every-kind.js';

const app = new Consumer('node20', afterAll);
beforeAll(async () => {
  await app.install(inject('tarball'));
  app.write('every-kind.mjs', EVERY_KIND_MODULE);
});

/** The program that a package with one binary for each platform has for this one. */
function binary(scope: string, path: string): string {
  const [folder = ''] = readdirSync(join(tools, scope)).toSorted((a, b) => a.length - b.length);
  return join(tools, scope, folder, path);
}

const RUNTIMES = [
  ['bun', [binary('@oven', 'bin/bun')]],
  ['deno', [binary('@deno', 'deno'), 'run', '--allow-all', '--no-lock']],
] as const;

test.each(RUNTIMES)('%s takes every kind of lock', async (_name, [program, ...options]) => {
  const { stdout, stderr } = await app.run(program, ...options, 'every-kind.mjs');

  expect(stdout, stderr).toBe(`${JSON.stringify(EVERYTHING)}\n`);
});

test.each(RUNTIMES)('%s runs the command', async (_name, [program, ...options]) => {
  const command = [...options, 'node_modules/holdfast/dist/bin/holdfast.cjs'];

  for (const lock of ['run.lock', 'lease:run.lease']) {
    const ran = await app.run(program, ...command, 'run', lock, '--', 'sh', '-c', 'echo ran; exit 3');
    expect(ran).toMatchObject({ code: 3, stdout: 'ran\n' });
  }
  expect((await app.run(program, ...command, 'ls')).stdout).toMatch(/^run\.lock +free +flock$/m);
});

test('a worker thread and a context of node:vm', async () => {
  app.write(
    'elsewhere.mjs',
    `import { createRequire } from 'node:module';
     import vm from 'node:vm';
     import { Worker } from 'node:worker_threads';
     const context = vm.createContext({ require: createRequire(import.meta.url) });
     console.log(await vm.runInContext("require('holdfast').withLock('vm.lock', () => 'vm')", context));
     new Worker(new URL('every-kind.mjs', import.meta.url));`,
  );

  expect((await app.node('elsewhere.mjs')).stdout).toBe(`vm\n${JSON.stringify(EVERYTHING)}\n`);
});

const PERMISSION = [
  ['node20', '--experimental-permission'],
  ['node22', '--permission'],
  ['node24', '--permission'],
  ['node26', '--permission'],
] as const;

test.each(PERMISSION)("Node's permission model: %s %s", async (version, flag) => {
  const run = async (...flags: string[]): Promise<unknown> => {
    const files = ['--allow-fs-read=*', '--allow-fs-write=*'];
    const node = join(tools, version, 'bin/node');
    const { stdout, stderr } = await app.run(node, flag, ...files, ...flags, 'every-kind.mjs');
    return stdout === '' ? stderr : JSON.parse(stdout);
  };
  const forbidden: unknown = expect.stringMatching(/permission model forbids it .*without --permission/);

  expect(await run()).toMatchObject({ kernel: expect.stringContaining('--allow-addons'), memory: true });
  expect(await run('--allow-addons')).toMatchObject({
    kernel: true,
    contended: 'HOLDFAST_TIMEOUT',
    fencing: forbidden,
    lease: forbidden,
  });
});

test("Yarn's Plug'n'Play", async () => {
  const yarn = join(tools, '@yarnpkg/cli-dist/bin/yarn.js');
  const consumer = new Consumer('node20');
  consumer.write('.yarnrc.yml', 'nodeLinker: pnp\nenableTelemetry: false\nenableGlobalCache: false\n');
  consumer.write('yarn.lock', '');
  consumer.write('every-kind.mjs', EVERY_KIND_MODULE);
  const registry = await consumer.node(join(tools, 'npm11/bin/npm-cli.js'), 'config', 'get', 'registry');
  const reach = { YARN_NPM_REGISTRY_SERVER: registry.stdout.trim(), YARN_UNSAFE_HTTP_WHITELIST: '*' };
  const node = join(tools, 'node20/bin/node');

  const added = await consumer.runWith(reach, node, yarn, 'add', `holdfast@file:${inject('tarball')}`);
  expect(added.code, added.stdout).toBe(0);

  expect((await consumer.node(yarn, 'node', 'every-kind.mjs')).stdout).toBe(
    `${JSON.stringify(EVERYTHING)}\n`,
  );
  expect((await consumer.node(yarn, 'holdfast', 'run', 'x.lock', '--', 'echo', 'ran')).stdout).toBe('ran\n');
});
