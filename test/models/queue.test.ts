import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ResourceQueue } from '../../src/core/queue.js';
import { exploreQueue } from './queue-model.js';
import { patchedCore } from './patched-core.js';
import { queueMutants } from './queue-mutants.js';
import { modelRuns } from './runs.js';

/** What the comparison says, as opposed to a mutant that merely crashes. */
const COMPLAINTS =
  /turns given|head differs|idle, although|tryTakeHead should say|room differs|could not leave|for ever/;

describe('ResourceQueue against its reference', () => {
  test('INV-QUEUE-1, INV-QUEUE-2, INV-QUEUE-3: one at the head, no turn in vain, turns in order of arrival', () => {
    exploreQueue((onIdle) => new ResourceQueue(onIdle), modelRuns(2_000));
  });

  test.each(Object.entries(queueMutants))('the model finds a queue that %s', (_, create) => {
    const failure = fc.check(exploreQueue.property(create), { seed: 1, numRuns: 20_000 });
    expect(failure.failed).toBe(true);
    expect(String(failure.errorInstance)).toMatch(COMPLAINTS);
  });

  test('the model finds a queue that is not woken by one who leaves', async () => {
    const woken = 'this.#advance();\n            return true;';
    const { ResourceQueue: Silent } = await patchedCore('queue.js', woken, 'return true;');
    const failure = fc.check(
      exploreQueue.property((onIdle) => new Silent(onIdle)),
      { seed: 1, numRuns: 20_000 },
    );
    expect(String(failure.errorInstance)).toMatch(COMPLAINTS);
  });
});
