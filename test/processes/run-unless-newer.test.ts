import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { script } from '../support/holdfast.js';

test('of four that want it made one makes it, and the others wait and exit 0', async () => {
  const directory = testDirectory();
  // Whoever comes first makes it, once the other three are seen to wait in the kernel's own table.
  const make = `
    inode=$(stat -c %i once.lock)
    until [ "$(grep -c -- "-> .*:$inode " /proc/locks)" -ge 3 ]; do sleep 0.02; done
    echo x >> made`;
  const { code, stderr } = await script(
    directory,
    'for i in 1 2 3 4; do $H run --unless-newer made once.lock -- sh -c "$MAKE" & done; wait',
    { env: { MAKE: make } },
  );
  expect(code).toBe(0);
  expect(readFileSync(join(directory, 'made'), 'utf8')).toBe('x\n');
  expect(stderr.match(/"made" was renewed meanwhile; nothing to do/g)).toHaveLength(3);
});

test('what was there before is made anew', async () => {
  const directory = testDirectory();
  const { stdout } = await script(directory, 'touch made; $H run --unless-newer made x -- echo ran');
  expect(stdout).toBe('ran\n');
});
