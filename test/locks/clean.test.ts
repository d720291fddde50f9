import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, cleanLockFiles, withLock, withReadLock, withWriteLock } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';

describe('INV-FLOCK-8: cleanLockFiles', () => {
  test('removes what is ours and free, here and in .holdfast/locks, and nothing else', async () => {
    const folder = testDirectory();
    const at = (name: string): string => join(folder, name);
    await withLock(at('free.lock'), { fencing: true }, () => undefined);
    await withWriteLock(at('data'), () => undefined);
    writeFileSync(at('empty.lock'), '');
    writeFileSync(at('script'), '#!/bin/sh\n');
    await withLock(at('script'), () => undefined);
    symlinkSync('elsewhere.lock', at('link.lock'));
    const guard = await acquire(at('held.lock'));
    const expected = [at('free.lock'), at('.holdfast/locks/data.lock')];
    expect(await cleanLockFiles(folder, { dryRun: true })).toMatchObject({ removed: expected });
    expect(existsSync(at('free.lock'))).toBe(true);
    expect(await cleanLockFiles(folder)).toEqual({
      removed: expected,
      kept: [{ path: at('held.lock'), why: 'held' }],
    });
    guard.assertHeld();
    await guard.release();
    expect(readdirSync(folder).toSorted()).toEqual(
      ['.holdfast', 'empty.lock', 'free.lock.token', 'held.lock', 'link.lock', 'script'].toSorted(),
    );
    expect(readdirSync(at('.holdfast/locks'))).toEqual([]);
  });

  test('removes a lock in .holdfast/locks that was only ever held shared, unless it is held', async () => {
    const folder = testDirectory();
    const lock = join(folder, '.holdfast/locks/data.lock');
    await withReadLock(join(folder, 'data'), async () => {
      expect((await cleanLockFiles(folder)).kept).toEqual([{ path: lock, why: 'held' }]);
    });
    expect((await cleanLockFiles(folder)).removed).toEqual([lock]);
    expect(existsSync(lock)).toBe(false);
  });

  test('leaves the counter, so that tokens go on rising', async () => {
    const path = join(testDirectory(), 'a.lock');
    const first = await withLock(path, { fencing: true }, ({ fencingToken }) => fencingToken);
    await cleanLockFiles(join(path, '..'));
    const second = await withLock(path, { fencing: true }, ({ fencingToken }) => fencingToken);
    expect(second).toBeGreaterThan(first as bigint);
  });

  test('rejects for a folder that is not there', async () => {
    await expect(cleanLockFiles(join(testDirectory(), 'no'))).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
  });
});
