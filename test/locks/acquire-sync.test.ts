import { expect, test } from 'vitest';

import { acquire, acquireSync, tryAcquire } from '../../src/index.js';
import { driveLock } from '../processes/drive-lock.js';
import { isWaiting, until } from '../processes/observe.js';
import { codeOf, isFree, lockPath } from './support.js';

const codeOfSync = (run: () => unknown): string | undefined => {
  try {
    run();
    return 'returned';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('holds when it returns, and is free when release() returns', () => {
  const path = lockPath();
  const guard = acquireSync(path);
  guard.assertHeld();
  expect(isFree(path)).toBe(false);
  void guard.release();
  expect(isFree(path)).toBe(true);
});

test('is refused at once where this thread holds the lock itself, however it got it', async () => {
  const path = lockPath();
  const takes = [() => acquire(path), () => tryAcquire(path), () => acquireSync(path)];
  for (const take of takes) {
    // Not awaited: the hold begins in the statement before.
    const taken = take();
    expect(codeOfSync(() => acquireSync(path, { timeoutMs: Infinity }))).toBe('HOLDFAST_CONTENDED');
    await (await taken)?.release();
  }
});

test('is refused at once where this thread waits for the lock', async () => {
  const path = lockPath();
  const holder = driveLock('hold', path);
  await holder.line();
  const waiting = acquire(path, { timeoutMs: Infinity });
  await until('it waits', () => isWaiting(path, process.pid));
  expect(codeOfSync(() => acquireSync(path, { timeoutMs: Infinity }))).toBe('HOLDFAST_CONTENDED');
  holder.child.stdin?.write('\n');
  await (await waiting).release();
});

test('waits for others until its deadline', async () => {
  const path = lockPath();
  const holder = driveLock('hold', path);
  await holder.line();
  const startedAt = performance.now();
  expect(codeOfSync(() => acquireSync(path, { timeoutMs: 120 }))).toBe('HOLDFAST_TIMEOUT');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(119);
  expect(codeOfSync(() => acquireSync(path, { timeoutMs: 0 }))).toBe('HOLDFAST_CONTENDED');
  holder.child.kill('SIGKILL');
  await holder.ended;
  void acquireSync(path).release();
});

test('shares a hold of its own thread where both share', async () => {
  const path = lockPath();
  const guard = await acquire(path, { mode: 'shared' });
  const beside = acquireSync(path, { mode: 'shared' });
  expect(codeOfSync(() => acquireSync(path))).toBe('HOLDFAST_CONTENDED');
  void beside.release();
  await guard.release();
  expect(await codeOf(acquire(path, { timeoutMs: 0 }).then((last) => last.release()))).toBe('resolved');
});

test('is unsupported for locks that the kernel does not keep', () => {
  expect(codeOfSync(() => acquireSync('memory:#sync'))).toBe('HOLDFAST_UNSUPPORTED');
});
