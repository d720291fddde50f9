import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { isGone } from '../support/processes.js';
import { driveLock, driverPath } from './drive-lock.js';
import { isWaiting, run, temporaryDirectory, until } from './observe.js';

const lockPath = (): string => join(temporaryDirectory(), 'a.lock');
/** As a shell script sees it. */
const isFree = (path: string): boolean => spawnSync('flock', ['-n', path, 'true']).status === 0;

describe('worker threads', () => {
  test.each(['wait', 'hold'])(
    '40 that are terminated while they %s crash nothing and leave it free',
    async (mode) => {
      const other = driveLock('terminate', lockPath(), mode, '40');
      expect(await other.line()).toBe('free');
      expect(await other.ended).toBe(0);
    },
  );
});

describe('children', () => {
  test('INV-FLOCK-3: that were forked during a hold do not keep the lock after its release', async () => {
    const path = lockPath();
    const parent = driveLock('forker', path, 'release');
    await parent.line();
    expect(await parent.line()).toBe('ready');
    expect(isFree(path)).toBe(true);
    parent.child.stdin?.write('\n');
    expect(await parent.ended).toBe(0);
  });

  test('INV-FLOCK-5: that outlive their killed parent do not keep its lock', async () => {
    const path = lockPath();
    const parent = driveLock('forker', path);
    const pids = (await parent.line()).split(' ').map(Number);
    await parent.line();
    expect(isFree(path)).toBe(false);
    parent.child.kill('SIGKILL');
    await parent.ended;
    expect(pids.filter(isGone)).toEqual([]);
    expect(isFree(path)).toBe(true);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  });
});

test('a guard that nobody has any more keeps the lock until its process ends', async () => {
  const path = lockPath();
  const other = run(process.execPath, ['--expose-gc', driverPath, 'forget', path]);
  expect(await other.line()).toBe('held');
  expect(await other.line()).toBe('held');
  expect(await other.ended).toBe(0);
  expect(isFree(path)).toBe(true);
});

test('descriptors that run out are an I/O error that says so, and it works again afterwards', async () => {
  const limited = 'ulimit -n 60; exec "$0" "$1" exhaust "$2"';
  const other = run('sh', ['-c', limited, process.execPath, driverPath, lockPath()]);
  expect(await other.line()).toBe('HOLDFAST_IO EMFILE');
  expect(await other.line()).toBe('HOLDFAST_IO EMFILE');
  // In the queue behind a hold of one's own process nothing is opened.
  expect(await other.line()).toBe('HOLDFAST_TIMEOUT undefined');
  expect(await other.line()).toBe('recovered');
  expect(await other.ended).toBe(0);
});

describe('an end with waits pending', () => {
  test.each([
    ['exit', 7],
    ['throw', 1],
  ])('by %s comes at once and leaves nobody in the queue', async (kind, code) => {
    const path = lockPath();
    const holder = driveLock('hold', path);
    await holder.line();
    const other = driveLock('end', path, kind);
    other.child.stderr?.resume();
    expect(await other.line()).toBe('waiting');
    expect(await other.ended).toBe(code);
    expect(isWaiting(path, other.pid)).toBe(false);
    holder.child.stdin?.write('\n');
    await holder.ended;
    expect(isFree(path)).toBe(true);
  });

  test('does not come by itself: a wait keeps the process until it is granted', async () => {
    const path = lockPath();
    const holder = driveLock('hold', path);
    await holder.line();
    const other = driveLock('end', path, 'naturally');
    expect(await other.line()).toBe('waiting');
    await until('it waits in the kernel', () => isWaiting(path, other.pid));
    expect(other.child.exitCode).toBeNull();
    holder.child.stdin?.write('\n');
    expect(await other.line()).toBe('granted');
    expect(await other.ended).toBe(0);
  });
});
