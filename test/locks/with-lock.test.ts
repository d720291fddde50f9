import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, createLock, once, tryAcquire, withLock, withLockSync } from '../../src/index.js';
import { codeOf, isFree, lockPath } from './support.js';

describe('withLock', () => {
  test('gives back what fn returns, and releases', async () => {
    const path = lockPath();
    expect(await withLock(path, (guard) => [guard.mode, isFree(path)])).toEqual(['exclusive', false]);
    expect(isFree(path)).toBe(true);
  });

  test('passes on what fn throws, and releases', async () => {
    const path = lockPath();
    const mistake = new Error('mine');
    await expect(withLock(path, () => Promise.reject(mistake))).rejects.toBe(mistake);
    await expect(
      withLock(path, () => {
        throw mistake;
      }),
    ).rejects.toBe(mistake);
    expect(isFree(path)).toBe(true);
  });

  test('is LOST, with what fn threw as the cause, when the hold was lost before', async () => {
    const mistake = new Error('what I was about to read is gone');
    const lose = (path: string) => () => {
      unlinkSync(path);
      throw mistake;
    };
    const [path, other] = [lockPath(), lockPath()];
    const loss = { code: 'HOLDFAST_LOST', lossReason: 'record-missing', cause: mistake };

    await expect(withLock(path, lose(path))).rejects.toMatchObject(loss);
    expect(() => withLockSync(other, lose(other))).toThrow(expect.objectContaining(loss));
  });

  test('passes on the loss that fn itself threw, and anything at all after a release by fn', async () => {
    const path = lockPath();
    const loss = await withLock(path, (guard) => {
      unlinkSync(path);
      guard.assertHeld();
    }).catch((error: unknown) => error);
    expect(loss).toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(loss).not.toHaveProperty('cause');
    const mistake = new Error('mine');
    const released = withLock(path, async (guard) => {
      await guard.release();
      throw mistake;
    });
    await expect(released).rejects.toBe(mistake);
  });

  test.each([
    ['was unlinked', (path: string) => unlinkSync(path)],
    [
      'was replaced',
      (path: string) => {
        writeFileSync(`${path}.new`, '');
        renameSync(`${path}.new`, path);
      },
    ],
    ['moved away with its directory', (path: string) => renameSync(dirname(path), `${dirname(path)}-moved`)],
  ])('INV-FLOCK-2: is LOST when the file %s meanwhile, although fn resolved', async (_, lose) => {
    const folder = join(dirname(lockPath()), 'inner');
    mkdirSync(folder);
    const path = join(folder, 'a.lock');
    const outcome = withLock(path, () => lose(path));
    await expect(outcome).rejects.toMatchObject({
      code: 'HOLDFAST_LOST',
      lossReason: 'record-missing',
      isLost: true,
    });
    mkdirSync(folder, { recursive: true });
    await (await acquire(path, { timeoutMs: 0 })).release();
    rmSync(folder, { recursive: true });
  });

  test('does not mind that fn released', async () => {
    const path = lockPath();
    expect(
      await withLock(path, async (guard) => {
        await guard.release();
        return 1;
      }),
    ).toBe(1);
  });

  test('takes a Lock, whose options the call may overrule', async () => {
    const path = lockPath();
    const lock = createLock(path, { mode: 'shared', timeoutMs: 0 });
    await withLock(lock, async () => {
      await withLock(lock, () => undefined);
      expect(await codeOf(withLock(lock, { mode: 'exclusive' }, () => undefined))).toBe('HOLDFAST_CONTENDED');
    });
  });

  test('is not reentrant', async () => {
    const path = lockPath();
    await withLock(path, async () => {
      expect(await codeOf(acquire(path, { timeoutMs: 30 }))).toBe('HOLDFAST_TIMEOUT');
    });
  });

  test('is left by await using, too', async () => {
    const path = lockPath();
    {
      await using guard = await acquire(path);
      guard.assertHeld();
      expect(isFree(path)).toBe(false);
    }
    expect(isFree(path)).toBe(true);
  });
});

describe('the file that is locked', () => {
  test('gets 0666 less the umask when it is new, and the record of its holder', async () => {
    const path = lockPath();
    await withLock(path, { reason: 'release 7' }, ({ holderId }) => {
      expect((statSync(path).mode & 0o777).toString(8)).toBe((0o666 & ~process.umask()).toString(8));
      const text = readFileSync(path, 'utf8');
      expect(text.startsWith(`${process.pid} holdfast/1\n`)).toBe(true);
      expect(text).toContain(holderId);
      expect(text).toContain('"reason":"release 7"');
    });
    expect(existsSync(path)).toBe(true);
  });

  test.each(['#!/bin/sh\necho hello\n', '4711\n', ' '])(
    'INV-FLOCK-4: %j is not changed by a byte',
    async (content) => {
      const path = lockPath('script');
      writeFileSync(path, content);
      await withLock(path, () => expect(isFree(path)).toBe(false));
      await withLock(path, { mode: 'shared' }, () => undefined);
      expect(readFileSync(path, 'utf8')).toBe(content);
    },
  );

  test('may be a directory', async () => {
    const path = lockPath('folder');
    mkdirSync(path);
    await withLock(path, async () => {
      expect(await tryAcquire(path)).toBeUndefined();
      expect(isFree(path)).toBe(false);
    });
  });

  test('stays empty with record: false, and under shared holds', async () => {
    const path = lockPath();
    await withLock(path, { record: false }, () => expect(readFileSync(path, 'utf8')).toBe(''));
    await withLock(path, { mode: 'shared' }, () => expect(readFileSync(path, 'utf8')).toBe(''));
  });

  test('in a folder that does not exist is an error at once', async () => {
    const path = join(dirname(lockPath()), 'no', 'a.lock');
    await expect(acquire(path, { timeoutMs: Infinity })).rejects.toMatchObject({
      code: 'HOLDFAST_IO',
      message: expect.stringContaining('ENOENT'),
    });
  });

  test.each([
    [
      'below a file',
      'ENOTDIR',
      (path: string) => {
        writeFileSync(path, '');
        return join(path, 'a.lock');
      },
    ],
    ['with a name too long', 'ENAMETOOLONG', (path: string) => join(dirname(path), 'a'.repeat(300))],
  ])('%s is an error of ours, with its errno', async (_, errno, place) => {
    const path = place(lockPath());
    for (const take of [acquire, tryAcquire]) {
      await expect(take(path)).rejects.toMatchObject({ code: 'HOLDFAST_IO', cause: { code: errno } });
    }
  });

  test('may be one that is read-only', async () => {
    const path = lockPath();
    writeFileSync(path, '');
    chmodSync(path, 0o444);
    await withLock(path, () => expect(isFree(path)).toBe(false));
  });
});

describe('once', () => {
  test('runs the work for one of many callers', async () => {
    const path = lockPath();
    let runs = 0;
    const isDone = () => runs > 0;
    const results = await Promise.all(Array.from({ length: 20 }, () => once(path, isDone, () => ++runs)));
    expect(results.filter(({ hasRun }) => hasRun)).toEqual([{ hasRun: true, value: 1 }]);
  });

  test('takes no lock when there is nothing to do', async () => {
    const path = lockPath();
    expect(
      await once(
        path,
        () => true,
        () => 1,
      ),
    ).toEqual({ hasRun: false });
    expect(existsSync(path)).toBe(false);
  });

  test('lets the next one try when the work failed', async () => {
    const path = lockPath();
    let attempts = 0;
    let isDone = false;
    const work = () => {
      if (++attempts === 1) throw new Error('the first fails');
      isDone = true;
      return attempts;
    };
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() => once(path, { timeoutMs: 5_000 }, () => isDone, work)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(attempts).toBe(2);
  });
});

describe('withLockSync', () => {
  test('gives back what fn returns, and is LOST with the file', () => {
    const path = lockPath();
    expect(withLockSync(path, () => isFree(path))).toBe(false);
    expect(isFree(path)).toBe(true);
    expect(() => withLockSync(path, () => unlinkSync(path))).toThrow(/removed or replaced/);
    expect(isFree(path)).toBe(true);
  });
});
