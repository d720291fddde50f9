import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { driveLock } from './drive-lock.js';
import { temporaryDirectory } from './observe.js';

/** Eight processes add to one number under its write lock while another keeps removing lock files that nobody holds. */
export async function countExactly(incrementsEach: number): Promise<void> {
  const directory = temporaryDirectory();
  const path = join(directory, 'count');
  writeFileSync(path, '0');
  const cleaner = driveLock('cleaner', directory);
  await cleaner.line();
  const startedAt = performance.now();
  const adders = Array.from({ length: 8 }, () => driveLock('increments', path, String(incrementsEach)));
  expect(await Promise.all(adders.map(({ ended }) => ended))).toEqual(Array.from({ length: 8 }, () => 0));
  const seconds = (performance.now() - startedAt) / 1_000;
  cleaner.child.stdin?.write('\n');
  const removed = Number(await cleaner.line());
  console.log(
    `8 x ${incrementsEach} increments in ${seconds.toFixed(1)} s beside ${removed} removals of the lock file`,
  );
  expect(readFileSync(path, 'utf8')).toBe(String(8 * incrementsEach));
  expect(removed).toBeGreaterThan(0);
}
