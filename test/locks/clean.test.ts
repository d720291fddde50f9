import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, cleanLockFiles, withLock, withReadLock, withWriteLock } from '../../src/index.js';
import { newTempName } from '../../src/files/temp-name.js';
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
      ['empty.lock', 'free.lock.token', 'held.lock', 'link.lock', 'script'].toSorted(),
    );
  });

  test('removes the side folder when its last lock has gone, and not before', async () => {
    const folder = testDirectory();
    const at = (name: string): string => join(folder, name);
    await withWriteLock(at('a'), () => undefined);
    await withReadLock(at('b'), async () => {
      await cleanLockFiles(folder);
      expect(readdirSync(at('.holdfast'))).toEqual(['.gitignore', 'locks']);
    });
    await cleanLockFiles(folder, { dryRun: true });
    expect(existsSync(at('.holdfast/locks/b.lock'))).toBe(true);
    await cleanLockFiles(folder);
    expect(readdirSync(folder)).toEqual([]);
    for (const [name, text] of [
      ['notes', 'mine'],
      ['.gitignore', 'mine too'],
    ] as const) {
      await withWriteLock(at('a'), () => undefined);
      writeFileSync(at(`.holdfast/${name}`), text);
      await cleanLockFiles(folder);
      expect(readFileSync(at(`.holdfast/${name}`), 'utf8')).toBe(text);
    }
  });

  test('removes what a process left that was killed on the way to a name, and nothing of a living one', async () => {
    const folder = testDirectory();
    const killed = (name: string): string =>
      newTempName(name, false).replace(/-[0-9a-f]{8}-(?=[a-z2-7]{26})/, '-00000000-');
    await withWriteLock(join(folder, 'a'), () => undefined);
    const [dead, other] = ['.holdfast', '.holdfast/locks'].map((name) =>
      join(folder, dirname(name), killed(basename(name))),
    ) as [string, string];
    const alive = join(folder, newTempName('.holdfast', false));
    const foreign = join(folder, killed('b'));
    for (const path of [dead, other, alive, foreign]) mkdirSync(path);
    writeFileSync(join(dead, '.gitignore'), '*\n');
    writeFileSync(join(foreign, 'precious'), '');
    const { removed } = await cleanLockFiles(folder);
    expect(removed).toEqual([join(folder, '.holdfast/locks/a.lock'), dead, other]);
    expect(readdirSync(folder).toSorted()).toEqual([basename(alive), basename(foreign)].toSorted());
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
