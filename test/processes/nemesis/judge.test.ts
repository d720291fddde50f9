import { expect, test } from 'vitest';

import { beliefsOf, type Event } from './history.js';
import { judge } from './judge.js';

const hold = (k: string, token: string, from: number, to: number): Event[] => [
  { t: 'granted', k, w: k, at: from, token },
  { t: 'ended', k, at: to },
];
const written = (k: string, token: string, from: number, to: number): Event => ({
  t: 'write',
  k,
  token,
  from,
  to,
  outcome: 'written',
});

test('a history without faults is one', () => {
  const events = [
    ...hold('a', '1', 0, 5),
    ...hold('b', '2', 5, 9),
    written('a', '1', 1, 2),
    written('b', '2', 6, 7),
  ];
  expect(judge(events)).toMatchObject({
    holds: 2,
    overlaps: [],
    tokenReversals: 0,
    writes: 2,
    olderAccepted: 0,
  });
});

test('overlaps are seen, with their length, also of holds that are not neighbours', () => {
  const events = [...hold('a', '1', 0, 9), ...hold('b', '2', 3, 4), ...hold('c', '3', 7, 12)];
  expect(judge(events).overlaps).toEqual([1, 2]);
});

test('a worker that was killed believed until its last proof', () => {
  const events: Event[] = [
    { t: 'granted', k: 'a-1', w: 'a', at: 0, token: '1' },
    { t: 'killed', w: 'a', hold: 'a-1', at: 4 },
    ...hold('b', '2', 3, 5),
  ];
  expect(beliefsOf(events)[0]).toMatchObject({ from: 0, to: 4 });
  expect(judge(events).overlaps).toEqual([1]);
});

test('a later hold with a lower token is seen', () => {
  expect(
    judge([...hold('a', '2', 0, 1), ...hold('b', '2', 2, 3), ...hold('c', '1', 4, 5)]).tokenReversals,
  ).toBe(2);
});

test('an older token that was accepted is seen, unless the writes were under way at the same time', () => {
  expect(judge([written('a', '2', 0, 1), written('b', '1', 2, 3)]).olderAccepted).toBe(1);
  expect(judge([written('a', '2', 0, 2), written('b', '1', 1, 3)]).olderAccepted).toBe(0);
  const refused: Event = { t: 'write', k: 'b', token: '1', from: 2, to: 3, outcome: 'stale' };
  expect(judge([written('a', '2', 0, 1), refused])).toMatchObject({ olderAccepted: 0, refused: 1 });
});
