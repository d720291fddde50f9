import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';

const PROGRAM = `
import { acquire, acquireSync, createLock, isLockError, lockAll, LockTimeoutError, withLock, type Guard, type Lock } from 'holdfast';
IMPORTS
const lock: Lock = createLock('x.lock', { mode: 'shared', timeoutMs: 5_000 });
const guard: Guard = await acquire(lock, { signal: new AbortController().signal });
const token: bigint | undefined = guard.fencingToken;
const answer: number = await withLock('x.lock', async (held) => (held.assertHeld(), 42));
const set = await lockAll(['a.lock', { address: 'b.lock', mode: 'shared' }]);
await set.release();
acquireSync('x.lock').release();
const firstHolder = (error: unknown) => (error instanceof LockTimeoutError ? error.holders[0]?.pid : undefined);
// @ts-expect-error -- an address is text or a Lock
await acquire(5);
export { answer, firstHolder, token, isLockError };
`;

const CONFIG = {
  compilerOptions: {
    ...{ target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', types: ['node'] },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
  },
  files: ['program.mts'],
};

test.each(['typescript-oldest', 'typescript-newest'])('the types compile with %s', async (compiler) => {
  const consumer = new Consumer('node22');
  const npm = join(tools, 'npm12/bin/npm-cli.js');
  const nodeTypes = join(tools, '@types/node');
  const installed = await consumer.node(npm, 'install', '--ignore-scripts', inject('tarball'), nodeTypes);
  expect(installed.code).toBe(0);
  const manifest = join(consumer.directory, 'node_modules/holdfast/package.json');
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports: Record<string, unknown> };
  const names = Object.keys(exports).filter(
    (name) => !['.', './otel'].includes(name) && !name.endsWith('.json'),
  );
  const imports = names.map((name, index) => `import * as face${index} from '${join('holdfast', name)}';`);
  const uses = names.map((_, index) => `void face${index};`);
  consumer.write('program.mts', PROGRAM.replace('IMPORTS', [...imports, ...uses].join('\n')));
  consumer.write('tsconfig.json', JSON.stringify(CONFIG));

  const compiled = await consumer.node(join(tools, compiler, 'bin/tsc'), '-p', '.');

  expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('attw finds each entry point resolvable, as ES module and as CommonJS', async () => {
  const consumer = new Consumer('node22');
  const attw = join(tools, '@arethetypeswrong/cli/dist/index.js');

  const { code, stdout } = await consumer.node(
    attw,
    '--profile',
    'node16',
    '--ignore-rules',
    'cjs-resolves-to-esm',
    '--',
    inject('tarball'),
  );

  expect(stdout).not.toContain('❌');
  expect(code).toBe(0);
});

test('publint has nothing to say', async () => {
  const consumer = new Consumer('node22');

  const { code, stdout } = await consumer.node(
    join(tools, 'publint/src/cli.js'),
    '--strict',
    inject('tarball'),
  );

  expect(stdout).toContain('All good!');
  expect(code).toBe(0);
});
