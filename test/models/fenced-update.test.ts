import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { JsonFile } from '../../src/durable/json-file.js';
import { testDirectory } from '../support/directory.js';
import { BUILT, patchedFolder } from './patched-folder.js';
import { modelRuns } from './runs.js';

/** What others put in the place of the file while a change is made: all of one length, so that the size shows nothing. */
interface Put {
  readonly token: number;
  readonly how: 'rename' | 'in place';
}

const OWN = 6n;
const text = (token: number): string => `{"n":1,"$fencingToken":"${token}"}`;
const puts: fc.Arbitrary<readonly Put[]> = fc.array(
  fc.record({
    token: fc.integer({ min: 4, max: 8 }),
    how: fc.constantFrom<'rename' | 'in place'>('rename', 'in place'),
  }),
  { maxLength: 3 },
);

function put(path: string, { token, how }: Put): void {
  const target = how === 'rename' ? `${path}.new` : path;
  writeFileSync(target, text(token));
  if (how === 'rename') renameSync(target, path);
}

function property(File: typeof JsonFile) {
  const path = join(testDirectory(), 'f.json');
  return fc.asyncProperty(puts, async (all) => {
    writeFileSync(path, text(5));
    const update = new File<{ n: number }>(path).update(
      (value) => {
        for (const each of all) put(path, each);
        return value;
      },
      { fencingToken: OWN },
    );
    const wasWritten = await update.then(
      () => true,
      () => false,
    );
    const last = all.at(-1)?.token ?? 5;
    if (wasWritten && last > OWN) throw new Error(`token ${last} was overwritten by ${OWN}`);
    if (!wasWritten && last <= OWN) throw new Error(`token ${last} refused ${OWN}`);
  });
}

describe('a change under a fencing token', () => {
  test('INV-DURABLE-5: gives way to a newer one, however that came, and to no other', async () => {
    await fc.assert(property(JsonFile), modelRuns(150));
  });

  test.each<[string, string, readonly [string, string]]>([
    ['trusts what it read before', 'write.js', ['namedState(path) === known.state', 'true']],
    ['does not look again', 'write.js', ['if (fencing !== undefined)', 'if (false)']],
  ])('the model finds one that %s', async (_, file, patch) => {
    const { JsonFile: Mutant } = await patchedFolder(
      BUILT,
      ['durable', file],
      patch,
    )<{ JsonFile: typeof JsonFile }>('json-file.js');
    const failure = await fc.check(property(Mutant), { seed: 1, numRuns: 500, endOnFailure: true });
    expect(String(failure.errorInstance)).toMatch(/was overwritten/);
  });
});
