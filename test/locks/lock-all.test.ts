import { linkSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, createLock, lockAll, tryAcquire } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { until } from '../processes/observe.js';
import { codeOf, isFree } from './support.js';

const paths = (...names: string[]): string[] => {
  const folder = testDirectory();
  return names.map((name) => join(folder, name));
};

describe('lockAll', () => {
  test('gives the guards in the order asked for, and ends them together', async () => {
    const [a, b, c] = paths('a', 'b', 'c') as [string, string, string];
    const set = await lockAll([c, createLock(a, { mode: 'shared' }), { address: b, mode: 'shared' }]);
    expect(set.guards.map(({ address, mode }) => [address, mode])).toEqual([
      [c, 'exclusive'],
      [a, 'shared'],
      [b, 'shared'],
    ]);
    set.assertHeld();
    expect([a, b, c].map((path) => isFree(path))).toEqual([false, false, false]);
    expect(isFree(a, 'shared')).toBe(true);
    await Promise.all([set.release(), set[Symbol.asyncDispose]()]);
    expect([a, b, c].map((path) => isFree(path))).toEqual([true, true, true]);
  });

  test('takes them in one order whatever the order asked for', async () => {
    const [a, b] = paths('a', 'b') as [string, string];
    const guard = await acquire(a);
    const waiting = lockAll([b, a], { timeoutMs: Infinity });
    // It waits for a, the first of the order, and must not hold b meanwhile.
    await (await acquire(b, { timeoutMs: 0 })).release();
    await guard.release();
    await (await waiting).release();
  });

  test('two names of one file are one lock, exclusive if either asks', async () => {
    const [a, link] = paths('a', 'link') as [string, string];
    symlinkSync('a', link);
    const set = await lockAll([{ address: a, mode: 'shared' }, { address: link, mode: 'exclusive' }, a], {
      timeoutMs: 1_000,
    });
    expect(set.guards[0]).toBe(set.guards[1]);
    expect(set.guards[0]?.mode).toBe('exclusive');
    await set.release();
    const shared = await lockAll([
      { address: a, mode: 'shared' },
      { address: link, mode: 'shared' },
    ]);
    expect(isFree(a, 'shared')).toBe(true);
    await shared.release();
  });

  test('two hard links of one file are two names to it: it times out, and holds nothing', async () => {
    const [a, b] = paths('a', 'b') as [string, string];
    await (await acquire(a)).release();
    linkSync(a, b);
    expect(await codeOf(lockAll([a, b], { timeoutMs: 50 }))).toBe('HOLDFAST_TIMEOUT');
    await (await acquire(b, { timeoutMs: 1_000 })).release();
  });

  test('holds nothing after a failure, whichever lock failed', async () => {
    const [a, b, c] = paths('a', 'b', 'c') as [string, string, string];
    for (const taken of [a, b, c]) {
      const guard = await acquire(taken);
      expect(await codeOf(lockAll([c, b, a], { timeoutMs: 30 }))).toBe('HOLDFAST_TIMEOUT');
      expect(await codeOf(lockAll([c, b, a], { timeoutMs: 0 }))).toBe('HOLDFAST_CONTENDED');
      for (const other of [a, b, c]) if (other !== taken) expect(isFree(other)).toBe(true);
      await guard.release();
    }
    expect(await codeOf(lockAll([a, join(b, 'not-a-folder'), c]))).toBe('HOLDFAST_IO');
    expect([a, c].map((path) => isFree(path))).toEqual([true, true]);
  });

  test('has one deadline for all, and one signal', async () => {
    const [a, b] = paths('a', 'b') as [string, string];
    const [first, second] = [await acquire(a), await acquire(b)];
    const startedAt = performance.now();
    const waiting = codeOf(lockAll([a, b], { timeoutMs: 1_500 }));
    setTimeout(() => void first.release(), 1_200);
    expect(await waiting).toBe('HOLDFAST_TIMEOUT');
    // A deadline of its own for the second would end at 2.7 s.
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    const stop = new AbortController();
    const canceled = codeOf(lockAll([a, b], { signal: stop.signal }));
    await until('the first is taken', () => !isFree(a));
    stop.abort();
    expect(await canceled).toBe('HOLDFAST_CANCELED');
    expect(isFree(a)).toBe(true);
    await second.release();
  });

  test('is lost with any of its locks', async () => {
    const [a, b] = paths('a', 'b') as [string, string];
    const set = await lockAll([a, b]);
    const { lost } = set;
    unlinkSync(b);
    expect(() => set.assertHeld()).toThrow(/removed or replaced/);
    expect(lost.aborted).toBe(true);
    await set.release();
    expect(isFree(a)).toBe(true);
  });

  test('mixes backends, and takes no locks at all', async () => {
    const [a] = paths('a') as [string];
    const set = await lockAll(['memory:#mixed', a]);
    expect(await tryAcquire('memory:#mixed')).toBeUndefined();
    await set.release();
    const none = await lockAll([]);
    none.assertHeld();
    expect(none.lost.aborted).toBe(false);
    await none.release();
  });
});
