import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Deadlines, type Deadline } from '../../src/core/time.js';
import { InventedClock } from '../models/invented-clock.js';

test('each deadline that is not removed is told once, at its time, whatever came and went meanwhile', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), delayMs: fc.nat(500) }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('pass' as const), byMs: fc.nat(200) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new InventedClock();
      const deadlines = new Deadlines(clock);
      const told = new Map<number, number>();
      const wanted = new Map<number, number>();
      const made: Deadline[] = [];
      for (const next of steps) {
        if (next.kind === 'add') {
          const id = made.length;
          wanted.set(id, clock.now() + next.delayMs);
          made.push(deadlines.add(next.delayMs, () => told.set(id, clock.now())));
        } else if (next.kind === 'pass') {
          clock.advance(next.byMs);
        } else if (made[next.which] !== undefined) {
          deadlines.remove(made[next.which] as Deadline);
          if (!told.has(next.which)) wanted.delete(next.which);
        }
      }
      clock.advance(1_000);
      expect([...told.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
      // Up to a millisecond early, in one go with another: a timer has no finer steps.
      for (const [id, at] of wanted) expect(Math.abs((told.get(id) as number) - at)).toBeLessThanOrEqual(1);
    }),
  );
});

test('what is read in the turn after its time counts as come in time, once', () => {
  const clock = new InventedClock();
  const deadlines = new Deadlines(clock);
  const reached: string[] = [];
  const answered = deadlines.addForAnswer(5, () => reached.push('answered'));
  deadlines.addForAnswer(5, () => reached.push('missing'));
  // A process that was not scheduled for a while: its timers run before it reads.
  clock.advance(60);
  expect(reached).toEqual([]);
  deadlines.remove(answered);
  clock.takeTurns();
  clock.advance(60);
  clock.takeTurns();
  expect(reached).toEqual(['missing']);
});
