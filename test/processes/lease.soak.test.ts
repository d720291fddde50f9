import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { searchAtRandom, searchBreadthFirst } from '../models/lease-search.js';
import { LONG, PAIR, REAL_RULES, TRIO } from '../models/lease-world.js';
import { testDirectory } from '../support/directory.js';
import { otherHost, startParty, wrongClock } from '../support/lease.js';
import { chaos } from './lease-chaos.js';

test('INV-LEASE-1 nobody gets in during 20 s of a renewed lease of 3 s', async () => {
  const directory = testDirectory();
  const path = join(directory, 'lock');
  const holder = startParty(directory, path);
  await holder.held();
  const all = [{}, wrongClock('+3600'), wrongClock('-3600'), wrongClock('+0 x1.1'), otherHost(directory)];
  const contenders = all.map((each, index) => startParty(join(directory, String(index)), path, {}, each));
  await Promise.all(contenders.map(({ child }) => child.line(/^ready$/)));
  await delay(20_000);
  expect(contenders.map(({ child }) => child.stdout())).toEqual(contenders.map(() => 'ready\n'));
  holder.order('assert');
  await holder.child.line(/^did assert/);
});

test('INV-LEASE-1 no two hold at once while processes of two hosts are killed and stopped', async () => {
  const { tokens, lost, overlaps } = await chaos(100_000);
  expect(overlaps).toEqual([]);
  expect(tokens).toBeGreaterThan(30);
  // Some were stopped past their lease while they held, so there was something to get wrong.
  expect(lost).toBeGreaterThan(0);
});

test('INV-LEASE-3 the long search over the real steps finds nothing', () => {
  expect(searchBreadthFirst(PAIR, REAL_RULES, 600_000).finding).toBeUndefined();
  for (const limits of [TRIO, LONG]) {
    expect(searchAtRandom(limits, REAL_RULES, 15_000, 77).finding).toBeUndefined();
  }
});
