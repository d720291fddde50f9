import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { acquireSync } from '../../src/locks/acquire-sync.js';
import { isLockError, lockFor, type Guard, type Lock } from '../../src/index.js';
import { lockFilesIn } from '../../src/locks/manage.js';
import { tryRemoveLockFile } from '../../src/backends/flock/index.js';
import { inLockDirectory, removeEmptySideFolder } from '../../src/files/side-folder.js';
import { testDirectory } from '../support/directory.js';

/** Runs before each call that changes a directory, or looks into one; with the number of the call. */
const steps = vi.hoisted((): { before: (() => void) | undefined } => ({ before: undefined }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const stepped = <T extends (...args: never[]) => unknown>(call: T): T =>
    ((...args) => {
      steps.before?.();
      return call(...args);
    }) as T;
  const { mkdirSync, renameSync, openSync, closeSync, rmdirSync, readdirSync: read } = real;
  return {
    ...real,
    mkdirSync: stepped(mkdirSync),
    renameSync: stepped(renameSync),
    openSync: stepped(openSync),
    closeSync: stepped(closeSync),
    rmdirSync: stepped(rmdirSync),
    readdirSync: stepped(read),
  };
});

afterEach(() => {
  steps.before = undefined;
});

/** Runs `program`, and `other` once before its file system call number `at`. False when it makes fewer calls. */
function interleave(at: number, program: () => void, other: () => void): boolean {
  let calls = 0;
  let isReached = false;
  steps.before = () => {
    if (calls++ !== at) return;
    isReached = true;
    const { before } = steps;
    steps.before = undefined;
    other();
    steps.before = before;
  };
  program();
  steps.before = undefined;
  return isReached;
}

function tryAcquireSync(lock: Lock): Guard | undefined {
  try {
    return acquireSync(lock, { timeoutMs: 0 });
  } catch (error) {
    if (isLockError(error) && error.code === 'HOLDFAST_CONTENDED') return undefined;
    throw error;
  }
}

/** What `clean` does with the locks beside data files. True when their folder went. */
function clean(folder: string): boolean {
  for (const path of lockFilesIn(folder)) tryRemoveLockFile(path, { dryRun: false });
  return removeEmptySideFolder(join(folder, '.holdfast/locks'));
}

const CALLS_MAX = 100;

describe('INV-FLOCK-8: a side folder is removed between any two calls of a process that makes it', () => {
  test('the lock is made all the same, and held', () => {
    let at = 0;
    let removals = 0;
    let isReached = true;
    for (; isReached && at < CALLS_MAX; at++) {
      const folder = testDirectory();
      const acquireAndCheck = (): void => {
        const guard = acquireSync(lockFor(join(folder, 'data')), { timeoutMs: 0 });
        guard.assertHeld();
        void guard.release();
      };
      isReached = interleave(at, acquireAndCheck, () => {
        if (clean(folder)) removals++;
      });
    }
    expect(removals).toBeGreaterThan(2);
    expect(isReached).toBe(false);
  });

  test('a hold that begins between any two calls of clean keeps its file, and its folder what hides it from git', () => {
    let at = 0;
    let isReached = true;
    for (; isReached && at < CALLS_MAX; at++) {
      const folder = testDirectory();
      const lock = lockFor(join(folder, 'data'));
      void acquireSync(lock).release();
      let guard: Guard | undefined;
      isReached = interleave(
        at,
        () => clean(folder),
        () => (guard = tryAcquireSync(lock)),
      );
      // The cleaner had the lock just then.
      if (guard === undefined) continue;
      guard.assertHeld();
      expect(readdirSync(join(folder, '.holdfast')).toSorted()).toEqual(['.gitignore', 'locks']);
      void guard.release();
      clean(folder);
      expect(existsSync(join(folder, '.holdfast'))).toBe(false);
    }
    expect(at).toBeGreaterThan(3);
    expect(isReached).toBe(false);
  });

  test('a directory that always vanishes is an error, not a loop', () => {
    const folder = testDirectory();
    expect(() =>
      inLockDirectory(join(folder, '.holdfast/locks'), () => {
        throw Object.assign(new Error('gone'), { code: 'ENOENT' });
      }),
    ).toThrow('gone');
  });
});
