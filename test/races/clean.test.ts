import { readdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';

import { expect, test } from 'vitest';

import { listPids, readProcessStat } from '../../src/platform/process-stat.js';
import { acquire, cleanLockFiles } from '../../src/index.js';
import { lockPath } from '../locks/support.js';
import { driverPath } from '../processes/drive-lock.js';
import { killAfterTest } from '../support/processes.js';
import { isWaiting, run, until } from '../processes/observe.js';

function hasOpen(pid: number, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path);
  } catch {
    // A descriptor, or the process, that went meanwhile.
    return false;
  }
}

/** The child of `tracer` that has the file open; 0 before that. strace has children of its own when it starts. */
function openerUnder(tracer: number, path: string): number {
  return listPids().find((pid) => readProcessStat(pid)?.parentPid === tracer && hasOpen(pid, path)) ?? 0;
}

test('INV-FLOCK-2: a file that is cleaned away between open and flock is not what the lock is on', async () => {
  const path = lockPath();
  // Only files with a record of ours are cleaned.
  await (await acquire(path)).release();
  // 1. the other opens the file  2. it is removed  3. we take the lock of a new file  4. the other locks the old one.
  const slowly = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=flock',
    '-e',
    'inject=flock:delay_enter=700000',
  ];
  const tracer = run('strace', [...slowly, process.execPath, driverPath, 'hold', path]);
  const pid = await until('the other has opened the file', () => openerUnder(tracer.pid, path));
  killAfterTest(pid);
  expect((await cleanLockFiles(dirname(path))).removed).toEqual([path]);
  const guard = await acquire(path, { timeoutMs: 0 });
  // It found out, opened the new file and waits in the kernel for us.
  await until('it waits for the new file', () => isWaiting(path, pid));
  guard.assertHeld();
  await guard.release();
  expect(await tracer.line()).toBe('held');
  tracer.child.stdin?.write('\n');
  expect(await tracer.ended).toBe(0);
});
