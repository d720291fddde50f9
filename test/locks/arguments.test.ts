import { join } from 'node:path';
import { inspect as print } from 'node:util';

import { describe, expect, test } from 'vitest';

import {
  acquire,
  acquireSync,
  breakLock,
  cleanLockFiles,
  createLock,
  lockAll,
  LockError,
  lockFor,
  once,
  tryAcquire,
  withLock,
  withLockSync,
  withReadLock,
  withWriteLock,
} from '../../src/index.js';
import { testDirectory } from '../support/directory.js';

const testPath = (): string => join(testDirectory(), 'x');

/** Calls that take lock options, each with options that it must refuse. */
const calls: Readonly<Record<string, (options: object) => unknown>> = {
  acquire: (options) => acquire('memory:#x', options),
  tryAcquire: (options) => tryAcquire('memory:#x', options),
  'acquire, with a Lock': (options) => acquire(createLock('memory:#x', { timeoutMs: 1 }), options),
  withLock: (options) => withLock('memory:#x', options, () => undefined),
  withReadLock: (options) => withReadLock(testPath(), options, () => undefined),
  withWriteLock: (options) => withWriteLock(testPath(), options, () => undefined),
  acquireSync: (options) => acquireSync(testPath(), options),
  withLockSync: (options) => withLockSync(testPath(), options, () => undefined),
  once: (options) =>
    once(
      'memory:#x',
      options,
      () => false,
      () => undefined,
    ),
  lockAll: (options) => lockAll(['memory:#x'], options),
  createLock: (options) => createLock('memory:#x', options),
  lockFor: (options) => lockFor(testPath(), options),
};

const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call();
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(calls))('%s', (_, call) => {
  test.each([
    [{ timeout: 5 }, /There is no option "timeout"\. Did you mean timeoutMs\?/],
    [{ Mode: 'shared' }, /Did you mean mode\?/],
    [{ colour: 'red' }, /There is no option "colour"\. The options are mode, timeoutMs, /],
    [{ timeoutMs: '500' }, /timeoutMs must be a number, not "500"\./],
    [{ mode: 'write' }, /mode must be 'exclusive' or 'shared', not "write"\./],
    [{ signal: {} }, /signal must be an AbortSignal, not an object\./],
    [{ fencing: 1 }, /fencing must be true or false, not 1\./],
    [[], /The options must be an object, not an array\./],
  ])('refuses %j', async (options, complaint) => {
    const error = await outcome(() => call(options));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(complaint);
  });

  test('takes an option that is undefined for one that is absent', async () => {
    expect(await outcome(() => call({ timeoutMs: undefined, colour: undefined }))).toBeInstanceOf(TypeError);
    const error = await outcome(() => call({ timeoutMs: undefined, mode: undefined }));
    expect(error).not.toBeInstanceOf(TypeError);
    await (error as Partial<AsyncDisposable>)?.[Symbol.asyncDispose]?.();
  });
});

test.each([[undefined], [null], [7], [{}], [{ address: 7 }]])('%j is no lock', async (value) => {
  const lock = value as unknown as string;
  for (const call of [acquire, tryAcquire, acquireSync, createLock]) {
    const error = await outcome(() => call(lock));
    expect(error).toBeInstanceOf(TypeError);
  }
  expect(await outcome(() => acquire(lock))).toMatchObject({
    message: expect.stringMatching(/^The lock must be a path, an address or a Lock, not /) as string,
  });
});

test('breakLock and cleanLockFiles know their options', async () => {
  expect(await outcome(() => breakLock('memory:#x', 'a', { immediate: true } as object))).toBeInstanceOf(
    TypeError,
  );
  expect(await outcome(() => cleanLockFiles('.', { dryrun: true } as object))).toMatchObject({
    message: 'There is no option "dryrun". Did you mean dryRun?',
  });
});

test('a printed error shows what is known, and no undefined fields', () => {
  const error = new LockError('Could not lock "x": it is held.', { code: 'HOLDFAST_CONTENDED' });
  expect(Object.keys(error)).not.toContain('resource');
  expect(print(error)).not.toContain('undefined');
  expect(print(error)).toMatch(/LockError: Could not lock "x"[^]*code: 'HOLDFAST_CONTENDED'/);
});
