import { linkSync, mkdirSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { acquire, breakLock, createLock, inspect, lockAll, tryAcquire } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { eventually } from '../support/processes.js';
import { quiescentMs } from '../support/time.js';
import { codeOf, isFree } from './support.js';

const paths = (...names: string[]): string[] => {
  const folder = testDirectory();
  return names.map((name) => join(folder, name));
};

/** Files have the order of their inodes, which need not be the one that they were made in. */
async function inTheirOrder(made: readonly string[]): Promise<[string, string]> {
  for (const path of made) await (await acquire(path)).release();
  const inode = (path: string): bigint => statSync(path, { bigint: true }).ino;
  return made.toSorted((a, b) => (inode(a) < inode(b) ? -1 : 1)) as [string, string];
}

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

  test('acquires them in one order whatever the order asked for', async () => {
    const [first, second] = await inTheirOrder(paths('a', 'b'));
    for (const asked of [
      [first, second],
      [second, first],
    ]) {
      const guard = await acquire(first);
      let isWaiting = false;
      const waiting = lockAll(asked, { timeoutMs: Infinity, onWait: () => (isWaiting = true) });
      await eventually('it waits', () => isWaiting);
      await (await acquire(second, { timeoutMs: 0 })).release();
      await guard.release();
      await (await waiting).release();
    }
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

  test('two hard links of one file are one lock', async () => {
    const [a, b] = paths('a', 'b') as [string, string];
    await (await acquire(a)).release();
    linkSync(a, b);
    const set = await lockAll([{ address: b, mode: 'shared' }, a], { timeoutMs: 1_000 });
    expect(set.guards[0]).toBe(set.guards[1]);
    expect(set.guards[0]?.mode).toBe('exclusive');
    await set.release();
  });

  test('two names of a lease are one lock, before it was born too', async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'alias'));
    const names = ['real', 'alias'].map((name) => `lease:${join(directory, name, 'a')}`);
    for (let round = 0; round < 2; round++) {
      const set = await lockAll(names, { timeoutMs: 10_000 });
      expect(set.guards[0]).toBe(set.guards[1]);
      await set.release();
    }
  });

  test('of two requests for one lock the stronger parts count', async () => {
    const [a] = paths('a') as [string];
    const set = await lockAll([createLock(a, { fencing: true }), createLock(a, { reason: 'last' })]);
    expect(set.guards[1]?.fencingToken).toBeTypeOf('bigint');
    await set.release();
  });

  test('a lock and a permit of it are the lock on flock, and two locks elsewhere', async () => {
    const [a] = paths('a') as [string];
    const holder = await acquire(a);
    const both = [a, createLock(a, { permits: 2 })];
    expect(await codeOf(lockAll(both, { timeoutMs: 30 }))).toBe('HOLDFAST_TIMEOUT');
    await holder.release();
    const one = await lockAll(both);
    expect(one.guards[0]).toBe(one.guards[1]);
    expect(isFree(a)).toBe(false);
    await one.release();
    const two = await lockAll(['memory:#two', createLock('memory:#two', { permits: 1 })]);
    expect(await tryAcquire('memory:#two')).toBeUndefined();
    expect(await tryAcquire('memory:#two', { permits: 1 })).toBeUndefined();
    await two.release();
  });

  test('starts over when a hold is lost while it waits for another: all are held when it resolves', async () => {
    const [a, b] = paths('a', 'b').map((path) => `lease:${path}`) as [string, string];
    const other = await acquire(b);
    const waiting = lockAll([b, a], { leaseDurationMs: 2_000, timeoutMs: Infinity });
    const holders = async (): Promise<string[]> =>
      (await inspect(a)).holders.map(({ holderId }) => holderId ?? '');
    const lost = await eventually('it holds the first', async () => (await holders())[0]);
    await breakLock(a, lost, { isImmediate: true });
    await eventually('it acquires again', async () => {
      const [holderId] = await holders();
      return (holderId !== undefined && holderId !== lost) || undefined;
    });
    await other.release();
    const set = await waiting;
    set.assertHeld();
    expect(await holders()).toEqual([set.guards[1]?.holderId]);
    await set.release();
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

  test('has one deadline for all', async () => {
    const [first, second] = await inTheirOrder(paths('a', 'b'));
    const holds = [await acquire(first), await acquire(second)];
    const ended: string[] = [];
    const timeoutMs = 2 * quiescentMs;
    const both = codeOf(lockAll([first, second], { timeoutMs })).then((code) => ended.push(`both ${code}`));
    await sleep(1.5 * quiescentMs);
    // Begins later, with as much time: a deadline of its own for the second lock would end after this one.
    const beside = codeOf(acquire(second, { timeoutMs })).then((code) => ended.push(`one ${code}`));
    await holds[0]?.release();
    await Promise.all([both, beside]);
    expect(ended).toEqual(['both HOLDFAST_TIMEOUT', 'one HOLDFAST_TIMEOUT']);
    expect(isFree(first)).toBe(true);
    await holds[1]?.release();
  });

  test('has one signal for all', async () => {
    const [first, second] = await inTheirOrder(paths('a', 'b'));
    const hold = await acquire(second);
    const stop = new AbortController();
    const canceled = codeOf(lockAll([first, second], { signal: stop.signal, timeoutMs: Infinity }));
    await eventually('the first is acquired', () => !isFree(first));
    stop.abort();
    expect(await canceled).toBe('HOLDFAST_CANCELED');
    expect(isFree(first)).toBe(true);
    await hold.release();
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
