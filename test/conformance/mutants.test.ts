import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { conformanceCases, timing, type Subject } from '../../dist/testing/index.js';
import { mutants } from './mutants.mjs';

type Mutants = Record<string, [id: string, complaint: RegExp, subject: Subject]>;

const { hangMs } = timing;
beforeAll(() => {
  timing.hangMs = 3_000;
});
afterAll(() => {
  timing.hangMs = hangMs;
});

describe('the suite finds', () => {
  for (const [name, [id, complaint, subject]] of Object.entries(mutants as unknown as Mutants)) {
    test(`${name}, by ${id}`, { timeout: 60_000 }, async () => {
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
