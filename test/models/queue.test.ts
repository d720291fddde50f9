import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ResourceQueue } from '../../src/core/queue.js';
import { exploreQueue } from './queue-model.js';
import { patchedCore } from './patched-core.js';
import { queueMutants } from './queue-mutants.js';
import { modelRuns } from './runs.js';

/** What the comparison says, as opposed to a mutant that merely crashes. */
const COMPLAINTS =
  /turns given|head differs|idle, although|tryTakeHead should say|room differs|could not leave|for ever|passed on to/;

describe('ResourceQueue against its reference', () => {
  test('INV-QUEUE-1, INV-QUEUE-2, INV-QUEUE-3, INV-QUEUE-4: one at the head, no turn in vain, all in order of arrival', () => {
    exploreQueue((onIdle) => new ResourceQueue(onIdle), modelRuns(2_000));
  });

  test.each(Object.entries(queueMutants))('the model finds a queue that %s', (_, create) => {
    const failure = fc.check(exploreQueue.property(create), { seed: 1, numRuns: 20_000 });
    expect(failure.failed).toBe(true);
    expect(String(failure.errorInstance)).toMatch(COMPLAINTS);
  });

  test.each([
    ['is not woken by one who leaves', 'this.#advance();\n        return true;', 'return true;'],
    [
      'passes a hold by the one at the head',
      'if (first === undefined || this.#headMode !== undefined || this.#isPaused)',
      'if (first === undefined || this.#isPaused)',
    ],
    [
      'passes a hold on in a pause',
      'if (first === undefined || this.#headMode !== undefined || this.#isPaused)',
      'if (first === undefined || this.#headMode !== undefined)',
    ],
    ['passes a hold on to a reader', "if (first.mode === 'shared')\n            return false;", ''],
    ['forgets a caller that could not take over', 'this.#putBack(first);', ''],
    [
      'puts a caller that could not take over behind the others',
      'this.#putBack(first);',
      'this.join(first);',
    ],
  ])('the model finds a queue that %s', async (_, was, is) => {
    const { ResourceQueue: Broken } = await patchedCore('queue.js', was, is);
    const failure = fc.check(
      exploreQueue.property((onIdle) => new Broken(onIdle)),
      { seed: 1, numRuns: 20_000 },
    );
    expect(String(failure.errorInstance)).toMatch(COMPLAINTS);
  });
});
