import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { makeDirectory } from '../../src/files/make-directory.js';
import { testDirectory } from '../support/directory.js';

/** As the lock beside a data file makes them. */
const OURS = { mode: 0o700, levels: 2 };

test('makes what is missing, privately, and leaves what is there', () => {
  const root = testDirectory();
  mkdirSync(join(root, 'a'), { mode: 0o755 });
  makeDirectory(join(root, 'a', 'b', 'c'), OURS);
  makeDirectory(join(root, 'a', 'b', 'c'), OURS);
  expect(['a', 'a/b', 'a/b/c'].map((name) => statSync(join(root, name)).mode & 0o777)).toEqual([
    0o755, 0o700, 0o700,
  ]);
});

test('where nothing can be made it fails instead of trying for ever', () => {
  expect(() => makeDirectory('/proc/.holdfast/locks')).toThrow(/ENOENT/);
  expect(() => makeDirectory('/dev/null/x')).toThrow(/ENOTDIR/);
});

test('a path that is mistyped higher up does not come into being', () => {
  const root = testDirectory();
  expect(() => makeDirectory(join(root, 'mistyped', '.holdfast', 'locks'), OURS)).toThrow(/ENOENT/);
  expect(readdirSync(root)).toEqual([]);
});
