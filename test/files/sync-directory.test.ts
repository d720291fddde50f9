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

test('a file system that cannot sync directories is good enough for everything', () => {
  const directory = testDirectory();
  const script = join(testDirectory(), 'all.mjs');
  const root = new URL('../../dist/index.js', import.meta.url).href;
  writeFileSync(
    script,
    `import { withLock } from '${root}';
import { JsonFile, JsonLines, syncDirectory, writeFileDurable } from '${INDEX}';
const at = (name) => ${JSON.stringify(directory)} + '/' + name;
await withLock(at('x.lock'), { fencing: true }, (guard) => console.log(typeof guard.fencingToken));
await withLock('lease:' + at('y'), () => console.log('lease'));
await new JsonFile(at('a.json'), { defaultValue: {} }).update((value) => value);
await new JsonLines(at('a.jsonl')).append({});
await writeFileDurable(at('b'), 'x');
await syncDirectory(at('.'));
console.log('done');
`,
  );
  const inject = ['-e', 'trace=fsync', '-e', 'inject=fsync:error=EINVAL', '-P', directory];

  const printed = execFileSync('strace', ['-f', '-o', '/dev/null', ...inject, process.execPath, script], {
    encoding: 'utf8',
  });

  expect(printed).toBe('bigint\nlease\ndone\n');
});
