import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { conformanceCases, timing, type Subject } from '../../dist/testing/index.js';
import { hangMs as longest, machineUnit } from '../support/time.js';
import { mutants } from './mutants.mjs';

type Mutants = Record<string, [id: string, complaint: RegExp, subject: Subject]>;

const { hangMs } = timing;
// Most are found by what never happens.
beforeAll(() => void (timing.hangMs = 5_000 * machineUnit));
afterAll(() => void (timing.hangMs = hangMs));

async function expectFound([id, complaint, subject]: Mutants[string]): Promise<void> {
  const found = conformanceCases.find((conformanceCase) => conformanceCase.id === id);
  expect(found?.appliesTo(subject)).toBe(true);
  await expect(found?.run(subject)).rejects.toThrow(complaint);
}

const entries = Object.entries(mutants as unknown as Mutants);
const isRace = ([, [id]]: (typeof entries)[number]): boolean => id === 'EXCL-3';

describe.concurrent('the suite finds', () => {
  for (const [name, mutant] of entries.filter((entry) => !isRace(entry))) {
    test(`${name}, by ${mutant[0]}`, () => expectFound(mutant));
  }
});

describe('the suite finds, by processes that race', () => {
  for (const [name, mutant] of entries.filter(isRace)) {
    test(`${name}, by ${mutant[0]}`, async () => {
      // Found by what happens in the end.
      timing.hangMs = longest;
      await expectFound(mutant);
    });
  }
});

test('case ids are unique', () => {
  const ids = conformanceCases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
