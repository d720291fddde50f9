import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';

interface PackageManager {
  readonly name: string;
  readonly install: readonly string[];
  readonly execute: readonly string[];
}

const npm = (folder: string): PackageManager => ({
  name: folder,
  install: [`${tools}/${folder}/bin/npm-cli.js`, 'install', '--ignore-scripts', '--no-audit', '--no-fund'],
  execute: [`${tools}/${folder}/bin/npx-cli.js`, '--no-install', 'holdfast'],
});
const pnpm: PackageManager = {
  name: 'pnpm',
  install: [`${tools}/pnpm/bin/pnpm.mjs`, 'add', '--ignore-scripts'],
  execute: [`${tools}/pnpm/bin/pnpm.mjs`, 'exec', 'holdfast'],
};

const TEN_LINES = `
import { appendFileSync, readFileSync } from 'node:fs';
import { acquire, tryAcquire, withLock } from 'holdfast';

const guard = await acquire('ten.lock', { reason: 'ten lines' });
if ((await tryAcquire('ten.lock')) !== undefined) throw new Error('two holders');
await guard.release();
await withLock('ten.lock', () => appendFileSync('ten.txt', 'under the lock'));
console.log(readFileSync('ten.txt', 'utf8'));
`;

const REQUIRED = `
const { withLockSync, isLockError } = require('holdfast');
console.log(withLockSync('cjs.lock', () => 'under the lock'), isLockError(new Error('')));
`;

describe.each([
  ['node20', npm('npm11')],
  ['node22', npm('npm12')],
  ['node24', npm('npm12')],
  ['node26', npm('npm12')],
  ['node24', pnpm],
] as const)('in an empty folder on %s', (node, manager) => {
  test(`${manager.name} installs the tarball without scripts, and everything works`, async () => {
    const consumer = new Consumer(node);

    const installed = await consumer.node(...manager.install, inject('tarball'));
    expect(installed).toMatchObject({ code: 0 });

    const ran = await consumer.node(...manager.execute, 'run', 'x.lock', '--', 'echo', 'under the lock');
    expect(ran).toMatchObject({ code: 0, stdout: 'under the lock\n' });
    expect(readFileSync(join(consumer.directory, 'x.lock'), 'utf8')).toMatch(/^\d+ holdfast\/1\n/);

    const conflict = await consumer.node(
      ...manager.execute,
      ...['run', 'x.lock', '--', process.execPath, 'node_modules/holdfast/dist/bin/holdfast.cjs'],
      ...['run', '-n', 'x.lock', '--', 'true'],
    );
    expect(conflict.code).toBe(75);

    consumer.write('ten.mjs', TEN_LINES);
    expect(await consumer.node('ten.mjs')).toEqual({ code: 0, stdout: 'under the lock\n', stderr: '' });

    consumer.write('required.cjs', REQUIRED);
    const required = await consumer.node('required.cjs');
    expect(required).toMatchObject({ code: 0, stdout: 'under the lock false\n' });
  });
});

test('nothing asks for the right to run at the installation', async () => {
  const consumer = new Consumer('node22');

  const installed = await consumer.node(`${tools}/npm12/bin/npm-cli.js`, 'install', inject('tarball'));

  expect(installed.code).toBe(0);
  expect(installed.stdout + installed.stderr).not.toMatch(/script/i);
});

test('each exported path can be imported', async () => {
  const consumer = new Consumer('node20');
  await consumer.node(...npm('npm11').install, inject('tarball'));
  const manifest = join(consumer.directory, 'node_modules/holdfast/package.json');
  const { exports, man } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    exports: Record<string, unknown>;
    man: string[];
  };
  const names = Object.keys(exports).filter((name) => name !== './package.json');
  // A bridge to a package that is not there says so, instead of failing in a way that nobody understands.
  const peers = ['./otel'];
  // JSON needs an import attribute, which not every Node here knows: require() reads it.
  const imports = names.filter((name) => !peers.includes(name) && !name.endsWith('.json'));

  consumer.write(
    'all.mjs',
    imports.map((name) => `await import('${join('holdfast', name)}');`).join('\n') + "console.log('all')",
  );

  expect(await consumer.node('all.mjs')).toEqual({ code: 0, stdout: 'all\n', stderr: '' });
  expect(imports.length).toBeGreaterThan(5);
  for (const page of man)
    expect(existsSync(join(consumer.directory, 'node_modules/holdfast', page))).toBe(true);
});

test('a machine that no prebuilt file serves builds its own', async () => {
  const consumer = new Consumer('node22');
  await consumer.node(...npm('npm12').install, inject('tarball'));
  const { execute } = npm('npm12');
  await consumer.run('rm', '-r', 'node_modules/holdfast/prebuilds');

  const missing = await consumer.node(...execute, 'run', 'x.lock', '--', 'true');
  expect(missing).toMatchObject({ code: 69, stderr: expect.stringContaining('holdfast build-addon') });

  const built = await consumer.node(...execute, 'build-addon');
  expect(built.code).toBe(0);
  const ran = await consumer.node(...execute, 'run', 'x.lock', '--', 'echo', 'under the lock');
  expect(ran).toMatchObject({ code: 0, stdout: 'under the lock\n' });
});
