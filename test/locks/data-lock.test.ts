import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { acquire, createLock, lockFor, tryAcquire, withReadLock, withWriteLock } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { codeOf, isFree } from './support.js';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const lockOf = (data: string, name = basename(data)): string =>
  join(data, '../.holdfast/locks', `${name}.lock`);

describe('locks of data files', () => {
  test('live in .holdfast/locks beside the data, for their owner only', async () => {
    const data = join(testDirectory(), 'state.json');
    await withWriteLock(data, () => {
      expect(isFree(lockOf(data), 'shared')).toBe(false);
    });
    expect(modeOf(lockOf(data))).toBe('600');
    expect(modeOf(join(data, '../.holdfast'))).toBe('700');
    expect(modeOf(join(data, '../.holdfast/locks'))).toBe('700');
    expect(existsSync(data)).toBe(false);
    expect(isFree(lockOf(data))).toBe(true);
  });

  test('let readers in together and writers alone', async () => {
    const data = join(testDirectory(), 'state.json');
    const seen = await withReadLock(data, () => withReadLock(data, { timeoutMs: 0 }, () => 'both'));
    expect(seen).toBe('both');
    await withReadLock(data, async () => {
      expect(await codeOf(withWriteLock(data, { timeoutMs: 0 }, () => 1))).toBe('HOLDFAST_CONTENDED');
    });
    await withWriteLock(data, async () => {
      expect(await codeOf(withReadLock(data, { timeoutMs: 0 }, () => 1))).toBe('HOLDFAST_CONTENDED');
    });
  });

  test('are one lock by every name of the file: relative, through links to it and to its directory', async () => {
    const folder = testDirectory();
    mkdirSync(join(folder, 'real'));
    const data = join(folder, 'real', 'state.json');
    writeFileSync(data, '{}');
    symlinkSync('real', join(folder, 'linked'));
    symlinkSync('real/state.json', join(folder, 'link.json'));
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
    await withWriteLock(data, async () => {
      for (const name of ['real/state.json', './real/../real/state.json', 'linked/state.json', 'link.json']) {
        expect(await codeOf(withReadLock(name, { timeoutMs: 0 }, () => 1)), name).toBe('HOLDFAST_CONTENDED');
      }
    });
    expect(readdirSync(join(folder, 'real/.holdfast/locks'))).toEqual(['state.json.lock']);
    expect(existsSync(join(folder, '.holdfast'))).toBe(false);
  });

  test('are one lock by the name of a link to a file that is not there yet', async () => {
    const folder = testDirectory();
    mkdirSync(join(folder, 'real'));
    symlinkSync('second', join(folder, 'first'));
    symlinkSync('real/state.json', join(folder, 'second'));
    await withWriteLock(join(folder, 'first'), async () => {
      expect(await tryAcquire(lockFor(join(folder, 'real/state.json')))).toBeUndefined();
      // What the link led to comes into being meanwhile.
      writeFileSync(join(folder, 'second'), '{}');
      expect(await tryAcquire(lockFor(join(folder, 'second')))).toBeUndefined();
    });
  });

  test('do not hang on a link that leads to itself', async () => {
    const folder = testDirectory();
    symlinkSync('loop', join(folder, 'loop'));
    await (await acquire(lockFor(join(folder, 'loop')))).release();
  });

  test('in a lockDir keep equal base names apart, and equal files together', async () => {
    const folder = testDirectory();
    for (const name of ['one', 'two']) mkdirSync(join(folder, name));
    const lockDir = join(folder, 'locks');
    await withWriteLock(join(folder, 'one/state'), { lockDir }, async () => {
      await withWriteLock(join(folder, 'two/state'), { lockDir, timeoutMs: 0 }, () => 'apart');
      expect(await tryAcquire(lockFor(join(folder, 'two/../one/state'), { lockDir }))).toBeUndefined();
    });
    const names = readdirSync(lockDir).toSorted();
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^state\.[0-9a-f]{16}\.lock$/);
    expect(modeOf(lockDir)).toBe('700');
    expect(readdirSync(folder).toSorted()).toEqual(['locks', 'one', 'two']);
  });

  test('follow the directory that a relative path meant when the lock was made', async () => {
    const folder = testDirectory();
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(folder);
    const lock = lockFor('state.json');
    process.chdir('/');
    const guard = await acquire(lock);
    expect(existsSync(lockOf(join(folder, 'state.json')))).toBe(true);
    await guard.release();
  });

  test('reject, and do not throw, what cannot be', async () => {
    expect(await codeOf(withWriteLock('/nonexistent/folder/x', () => 1))).toMatch(
      /HOLDFAST_(IO|PERMISSION)|resolved/,
    );
    await expect(withWriteLock('x', {}, undefined as never)).rejects.toThrow(TypeError);
    await expect(withReadLock(7 as never, () => 1)).rejects.toThrow(TypeError);
  });
});

describe('createLock and lockFor', () => {
  test('do no I/O, and describe what cannot be reached', () => {
    const folder = testDirectory();
    const lock = createLock(join(folder, 'no/such/folder/a.lock'), { mode: 'shared' });
    expect(lock).toMatchObject({ options: { mode: 'shared' } });
    lockFor(join(folder, 'data'), { lockDir: join(folder, 'locks') });
    expect(readdirSync(folder)).toEqual([]);
    expect(Object.isFrozen(lock)).toBe(true);
  });

  test('throw at once what cannot be read', () => {
    expect(() => createLock('')).toThrow(TypeError);
    expect(() => createLock('nothing://x')).toThrow(TypeError);
  });

  test('a relative path means another file after chdir', async () => {
    const [one, two] = [testDirectory(), testDirectory()];
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(one);
    const guard = await acquire('a.lock');
    process.chdir(two);
    const other = await acquire('a.lock', { timeoutMs: 0 });
    expect([existsSync(join(one, 'a.lock')), existsSync(join(two, 'a.lock'))]).toEqual([true, true]);
    await other.release();
    await guard.release();
  });
});

test('a lockDir is made where it is missing, and names of 255 bytes fit into it', async () => {
  const directory = testDirectory();
  const lockDir = join(directory, 'state/locks');
  const names = [`${'x'.repeat(254)}1`, `${'x'.repeat(254)}2`];

  for (const name of names) await withWriteLock(join(directory, name), { lockDir }, () => undefined);

  const found = readdirSync(lockDir);
  expect(found).toHaveLength(2);
});
