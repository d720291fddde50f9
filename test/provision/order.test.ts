import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { BIN, cleanEnvironment, MAKE_ONE, repository, scriptRecipe, writeRecipe } from './fixture.js';

test('INV-SETUP-2: every file is on disk before the stamp has its name, and the stamp before NAME points to it', () => {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n', 'sub/other.txt': 'two\n' });
  const recipe = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
  const trace = join(directory, 'trace');
  const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,symlink,symlinkat';
  const command = [process.execPath, BIN, 'setup', recipe, '--dir', join(directory, 'opt/tool')];
  execFileSync('strace', ['-f', '-y', '-qq', '-e', calls, '-o', trace, ...command], { env, stdio: 'ignore' });

  const lines = readFileSync(trace, 'utf8')
    .split('\n')
    // The stamp is renamed through its open directory.
    .filter((line) => line.includes('/opt') || line.includes('.holdfast-stamp.json'));
  const last = (pattern: RegExp): number => lines.findLastIndex((line) => pattern.test(line));
  const synced = (path: string): number =>
    last(new RegExp(`f(?:data)?sync\\(\\d+<[^>]*tool\\.versions/[^/>]+${path}>`));
  const stampNamed = last(/rename\w*\(.*\.holdfast-stamp\.json"/);
  const switched = last(/rename\w*\(.*\.tool\.link".*\/tool"/);
  const before = ['/lib/libone\\.so', '/seed\\.txt', '/sub/other\\.txt', '/lib', '/sub'].map(synced);
  expect(Math.min(...before)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...before)).toBeLessThan(stampNamed);
  // The directory that got the stamp's name is synced in between.
  const directorySynced = lines.findIndex((line, index) => index > stampNamed && /sync\(/.test(line));
  expect(directorySynced).toBeGreaterThan(stampNamed);
  expect(directorySynced).toBeLessThan(switched);
  expect(last(/fsync\(\d+<[^>]*\/opt>\)/)).toBeGreaterThan(switched);
});
