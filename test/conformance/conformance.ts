import { describe, test } from 'vitest';

import { casesFor, timing, type Subject } from '../../dist/testing/index.js';
import { hangMs, machineUnit, quiescentMs } from '../support/time.js';

/** The suite's times are chosen for a quick machine. */
export function scaleTimes(): void {
  timing.quiescentMs = quiescentMs;
  timing.hangMs = hangMs;
}

/** Every case that binds `subject`, as a test of its own. */
export function conform(subject: Subject): void {
  scaleTimes();
  const leaseDurationMs = (subject.leaseDurationMs ?? 3_000) * machineUnit;
  const takeoverMs = (subject.takeoverMs ?? 6_000) * machineUnit;
  const scaled: Subject = { ...subject, leaseDurationMs, takeoverMs };
  // At the same time: most of the time of a case goes into waiting, and each has a resource of its own.
  describe.concurrent(`${subject.name} conforms`, () => {
    for (const { id, law, run } of casesFor(scaled)) test(`${id}: ${law}`, () => run(scaled));
  });
}
