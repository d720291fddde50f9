import { join } from 'node:path';

import { expect } from 'vitest';

import { acquire } from '../../dist/index.js';
import { driveLock } from './drive-lock.js';
import { isWaiting, temporaryDirectory, until } from './observe.js';
import { hangMs } from '../support/time.js';

/** Milliseconds from the SIGKILL of a holder to the grant of the next in line, sorted. */
export async function handoversAfterDeath(rounds: number): Promise<readonly number[]> {
  const path = join(temporaryDirectory(), 'a.lock');
  const times: number[] = [];
  for (let n = 0; n < rounds; n++) {
    const holder = driveLock('hold', path);
    expect(await holder.line()).toBe('held');
    const waiting = acquire(path, { timeoutMs: hangMs });
    await until('it waits in the kernel', () => isWaiting(path, process.pid));
    const killedAt = performance.now();
    holder.child.kill('SIGKILL');
    const guard = await waiting;
    times.push(performance.now() - killedAt);
    guard.assertHeld();
    await guard.release();
    await holder.ended;
  }
  return times.toSorted((a, b) => a - b);
}

export function report(times: readonly number[]): { worst: number; median: number } {
  const median = times[Math.floor(times.length / 2)] as number;
  const worst = times.at(-1) as number;
  console.log(
    `${times.length} killed holders: next in after ${median.toFixed(1)} ms median, ${worst.toFixed(1)} ms worst (target 100)`,
  );
  return { median, worst };
}
