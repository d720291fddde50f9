import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';

const INDEX = new URL('../../dist/durable/index.js', import.meta.url).href;

test('the directory itself is synced, once', () => {
  const directory = testDirectory();
  const script = join(testDirectory(), 'sync.mjs');
  const trace = join(testDirectory(), 'trace');
  writeFileSync(
    script,
    `import { syncDirectory } from '${INDEX}';\nawait syncDirectory(${JSON.stringify(directory)});\n`,
  );

  execFileSync('strace', ['-f', '-y', '-o', trace, '-e', 'trace=fsync', process.execPath, script]);

  const synced = [...readFileSync(trace, 'utf8').matchAll(/fsync\(\d+<([^>]*)>/g)].map(([, path]) => path);
  expect(synced).toEqual([directory]);
});

test.each([
  ['is not there', 'missing', 'HOLDFAST_IO'],
  ['is a file', 'file', undefined],
])('what %s cannot be synced as a directory, or is synced as what it is', async (_, name, code) => {
  const { syncDirectory } = await import('../../src/durable/index.js');
  const directory = testDirectory();
  writeFileSync(join(directory, 'file'), '');

  const error = await syncDirectory(join(directory, name)).catch((caught: { code: string }) => caught);

  expect((error as { code?: string } | undefined)?.code).toBe(code);
});
