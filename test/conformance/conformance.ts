import { describe, test } from 'vitest';

import { casesFor, type Subject } from '../../dist/testing/index.js';

/** Every case that binds `subject`, as a test of its own. */
export function conform(subject: Subject): void {
  describe(`${subject.name} conforms`, () => {
    for (const { id, law, run } of casesFor(subject)) {
      test(`${id}: ${law}`, { timeout: 120_000 }, () => run(subject));
    }
  });
}
