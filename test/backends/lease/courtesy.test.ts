import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { LeaseBackend, NAMED_DIRECTORY } from '../../../src/backends/lease/index.js';
import type { Guard } from '../../../src/core/guard.js';
import { systemClock } from '../../../src/platform/clock.js';
import { leaseClock } from '../../../src/platform/lease-clock.js';
import { clientOf } from '../../../src/testing/index.js';
import { testDirectory } from '../../support/directory.js';
import { eventually } from '../../support/processes.js';

/** Two that know nothing of each other, as two processes are. */
function parties() {
  const path = join(testDirectory(), 'lock');
  const party = () => clientOf(new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock));
  return { path, one: party(), other: party() };
}

const noteOrder = (order: string[], name: string) => (guard: Guard) => {
  order.push(name);
  return guard;
};

test('who has just released lets those who wait go first, and then has its turn', async () => {
  const { path, one, other } = parties();
  const order: string[] = [];
  let mine = await one.acquire(path);
  const theirs = other.acquire(path).then(noteOrder(order, 'waiter'));
  await eventually('the waiter leaves its word', () => existsSync(join(path, 'w')));

  await mine.release();
  const again = one.acquire(path).then(noteOrder(order, 'greedy'));
  await (await theirs).release();
  mine = await again;

  expect(order).toEqual(['waiter', 'greedy']);
  await mine.release();
  expect(readdirSync(path)).toHaveLength(1);
});

test('a word of somebody who gave up costs one pause, and a try does not heed it', async () => {
  const { path, one } = parties();
  await (await one.acquire(path)).release();
  writeFileSync(join(path, 'w'), '');

  const tried = await one.tryAcquire(path);
  expect(tried).toBeDefined();
  await tried?.release();
  await (await one.acquire(path, { timeoutMs: 10_000 })).release();
  expect(existsSync(join(path, 'w'))).toBe(false);
});

test('a try leaves no word', async () => {
  const { path, one, other } = parties();
  const guard = await one.acquire(path);

  expect(await other.tryAcquire(path)).toBeUndefined();
  await expect(other.acquire(path, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'HOLDFAST_CONTENDED' });
  expect(existsSync(join(path, 'w'))).toBe(false);
  await guard.release();
});
