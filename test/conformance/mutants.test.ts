import { afterAll, describe, expect, test } from 'vitest';

import { conformanceCases, timing, type Subject } from '../../dist/testing/index.js';
import { hangMs, machineUnit } from '../support/time.js';
import { mutants } from './mutants.mjs';

type Mutants = Record<string, [id: string, complaint: RegExp, subject: Subject]>;

const before = timing.hangMs;
afterAll(() => {
  timing.hangMs = before;
});

describe('the suite finds', () => {
  for (const [name, [id, complaint, subject]] of Object.entries(mutants as unknown as Mutants)) {
    test(`${name}, by ${id}`, async () => {
      // Most are found by what never happens; those that race are found by what does.
      timing.hangMs = id === 'EXCL-3' ? hangMs : 5_000 * machineUnit;
      const found = conformanceCases.find((conformanceCase) => conformanceCase.id === id);
      expect(found?.appliesTo(subject)).toBe(true);
      await expect(found?.run(subject)).rejects.toThrow(complaint);
    });
  }
});

test('case ids are unique', () => {
  const ids = conformanceCases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
