import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { acquire, lockFor, tryAcquire, withReadLock } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { bindMount, canMount } from '../support/mounts.js';
import { codeOf } from './support.js';

function place() {
  const root = testDirectory();
  const paths = ['data', 'other', 'locks'].map((name) => join(root, name)) as [string, string, string];
  for (const path of paths) mkdirSync(path);
  writeFileSync(join(paths[0], 'c.json'), '{}');
  return { data: paths[0], other: paths[1], lockDir: paths[2] };
}

test('in a lockDir, a symbolic link to the directory of the data is the same lock', async () => {
  const { data, other, lockDir } = place();
  symlinkSync(data, join(other, 'link'));
  const guard = await acquire(lockFor(join(data, 'c.json'), { lockDir }));
  expect(await tryAcquire(lockFor(join(other, 'link', 'c.json'), { lockDir }))).toBeUndefined();
  await guard.release();
});

test('in a lockDir, equal names in two directories are two locks', async () => {
  const { data, other, lockDir } = place();
  const guard = await acquire(lockFor(join(data, 'c.json'), { lockDir }));
  await (await acquire(lockFor(join(other, 'c.json'), { lockDir }), { timeoutMs: 0 })).release();
  await guard.release();
});

test.runIf(canMount)('in a lockDir, a bind mount of the directory of the data is the same lock', async () => {
  const { data, other, lockDir } = place();
  onTestFinished(bindMount(data, other));
  for (const options of [{ lockDir }, {}]) {
    const guard = await acquire(lockFor(join(data, 'c.json'), options));
    expect(await tryAcquire(lockFor(join(other, 'c.json'), options))).toBeUndefined();
    await guard.release();
  }
});

test.runIf(canMount)('a data file that is itself a mount point is refused, with what to mount', async () => {
  const { data, other, lockDir } = place();
  const mounted = join(other, 'c.json');
  writeFileSync(mounted, '');
  onTestFinished(bindMount(join(data, 'c.json'), mounted));
  for (const options of [{ lockDir }, {}]) {
    const refused = acquire(lockFor(mounted, options));
    await expect(refused).rejects.toMatchObject({
      code: 'HOLDFAST_UNSUPPORTED',
      message: expect.stringContaining('Mount its directory instead') as string,
    });
  }
});

test('an address is no data file', async () => {
  for (const address of ['lease:/p', 'redis://h#n', 'memory:#x', 'redis:foo']) {
    expect(await codeOf(withReadLock(address, () => undefined))).toMatch(/^TypeError/);
  }
});
