import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { makePrivateDirectories } from '../../src/platform/directories.js';
import { testDirectory } from '../support/directory.js';

test('makes what is missing, privately, and leaves what is there', () => {
  const root = testDirectory();
  mkdirSync(join(root, 'a'), { mode: 0o755 });
  makePrivateDirectories(join(root, 'a', 'b', 'c'));
  makePrivateDirectories(join(root, 'a', 'b', 'c'));
  expect(['a', 'a/b', 'a/b/c'].map((name) => statSync(join(root, name)).mode & 0o777)).toEqual([
    0o755, 0o700, 0o700,
  ]);
});

test('where nothing can be made it fails instead of trying for ever', () => {
  expect(() => makePrivateDirectories('/proc/.holdfast/locks')).toThrow(/ENOENT/);
  expect(() => makePrivateDirectories('/dev/null/x')).toThrow(/ENOTDIR/);
});

test('a path that is mistyped higher up does not come into being', () => {
  const root = testDirectory();
  expect(() => makePrivateDirectories(join(root, 'mistyped', '.holdfast', 'locks'))).toThrow(/ENOENT/);
  expect(readdirSync(root)).toEqual([]);
});
