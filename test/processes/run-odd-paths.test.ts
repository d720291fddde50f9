import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, script } from '../support/holdfast.js';

it.each([
  ['loop', 'too many symbolic links (ELOOP)'],
  ['loop/x', 'too many symbolic links (ELOOP)'],
  ['lease:loop', 'too many symbolic links (ELOOP)'],
  ['a'.repeat(300), 'the path is too long (ENAMETOOLONG)'],
  [`lease:${'a'.repeat(300)}`, 'the path is too long (ENAMETOOLONG)'],
])('run %s: 74 and one line', async (lock, fact) => {
  const directory = testDirectory();
  symlinkSync('loop', join(directory, 'loop'));
  const { code, stdout, stderr } = await holdfast(directory, ['run', lock, 'echo', 'ran']);
  expect([code, stdout]).toEqual([74, '']);
  expect(stderr).toContain(fact);
  expect(stderr).toMatch(/^holdfast: Could not lock "[^\n]*\.\n$/);
});

it('a record above the limit of file sizes: 74 and one line', async () => {
  const { stdout, stderr } = await script(testDirectory(), 'ulimit -f 0; $H run lease:x echo ran; echo $?');
  expect(stdout).toBe('74\n');
  expect(stderr).toMatch(/^holdfast: Could not lock .*size limit \(EFBIG\)\. Raise `ulimit -f`\.\n$/);
});
