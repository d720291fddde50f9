import { expect, test } from 'vitest';

import { deadlineIn } from '../../../src/backends/git/config.js';
import type { Clock } from '../../../src/core/time.js';
import { systemClock } from '../../../src/platform/clock.js';

test('time for settling is granted once, and never shortens what is left', () => {
  const { clock, pass } = handClock();
  const deadline = deadlineIn(100, clock, undefined, 60);
  pass(20);
  deadline.settle();
  expect([deadline.leftMs(), deadline.settleMs]).toEqual([80, 0]);
  deadline.settle();
  expect(deadline.leftMs()).toBe(80);

  const late = deadlineIn(100, clock, undefined, 60);
  pass(130);
  expect(late.leftMs()).toBe(0);
  late.settle();
  expect(late.leftMs()).toBe(60);
  pass(70);
  late.settle();
  expect(late.leftMs()).toBe(0);
});

test('a deadline that the caller named has none', () => {
  const { clock, pass } = handClock();
  const deadline = deadlineIn(100, clock, undefined);
  pass(130);
  deadline.settle();
  expect([deadline.leftMs(), deadline.settleMs]).toEqual([0, 0]);
});

function handClock(): { readonly clock: Clock; pass(durationMs: number): void } {
  let nowMs = 0;
  return {
    clock: { ...systemClock, now: () => nowMs },
    pass(durationMs) {
      nowMs += durationMs;
    },
  };
}
