import { expect, test } from 'vitest';

import { overlapsOf } from '../../dist/testing/index.js';
import { hangMs } from '../support/time.js';
import { storm } from './storm.js';

test('INV-FLOCK-1: a storm of kills, stops, aborts and timeouts over 8 processes: no two holds that exclude each other', async () => {
  const figures = await storm(8, 1);
  console.log(JSON.stringify(figures));
  expect(figures).toMatchObject({ overlaps: 0, failures: [] });
  expect(figures.exclusive).toBeGreaterThan(200);
  expect(figures.shared).toBeGreaterThan(100);
  expect(figures.canceled).toBeGreaterThan(20);
  expect(figures.killedInAHold).toBeGreaterThan(0);
  expect(figures.longestPauseMs).toBeLessThan(hangMs);
});

test('the judge sees an overlap, and none where holds only touch or share', () => {
  const hold = (holder: string, mode: 'exclusive' | 'shared', from: number, to: number) => ({
    holder,
    mode,
    from,
    to,
  });
  expect(overlapsOf([hold('a', 'exclusive', 1, 3), hold('b', 'shared', 2, 4)])).toHaveLength(1);
  expect(
    overlapsOf([hold('a', 'exclusive', 1, 9), hold('b', 'shared', 2, 3), hold('c', 'shared', 4, 5)]),
  ).toHaveLength(2);
  expect(overlapsOf([hold('a', 'exclusive', 1, 3), hold('b', 'exclusive', 3, 4)])).toEqual([]);
  expect(overlapsOf([hold('a', 'shared', 1, 3), hold('b', 'shared', 2, 4)])).toEqual([]);
});
