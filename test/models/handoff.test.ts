import fc from 'fast-check';
import { expect, test } from 'vitest';

import { acquire } from '../../src/core/acquisition.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions } from '../../src/core/options.js';
import type { CoreParts } from './acquire-model.js';
import { InventedClock } from './invented-clock.js';
import { ModelBackend } from './model-backend.js';
import { patchedCore } from './patched-core.js';
import { modelRuns } from './runs.js';

/** Holds `lengthsMs` long, one after the other, of callers that all came at once. Returns how they were passed on. */
async function hold({ acquire: take, Namespace: Space }: CoreParts, lengthsMs: readonly number[]) {
  const clock = new InventedClock();
  const backend = new ModelBackend('passes on');
  const target = { namespace: new Space(backend, clock), resource: 'r', address: 'model:r' };
  const ids = new Set<string>();
  let isOver = false;
  const calls = lengthsMs.map(async (lengthMs) => {
    const guard = await take(target, resolveOptions({}, false));
    if (backend.holders.size !== 1 || !backend.holders.has(guard.holderId)) throw new Error('not the holder');
    ids.add(guard.holderId);
    clock.advance(lengthMs);
    await guard.release();
  });
  const all = Promise.all(calls).finally(() => (isOver = true));
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.takeTurns();
  }
  await all;
  const [violation] = backend.violations;
  if (violation !== undefined) throw new Error(violation);
  if (ids.size !== lengthsMs.length) throw new Error('two holds had one id');
  return backend.cohorts;
}

/** What the rules allow, hold by hold: as many as possible, and no more. */
function expected(lengthsMs: readonly number[]): number[] {
  const cohorts: number[] = [];
  let keptMs = Infinity;
  for (const lengthMs of lengthsMs) {
    const length = cohorts.at(-1) ?? 0;
    if (keptMs < 1 && length < 64) cohorts[cohorts.length - 1] = length + 1;
    else {
      keptMs = 0;
      cohorts.push(1);
    }
    keptMs += lengthMs;
  }
  return cohorts;
}

const lengths = fc.array(
  fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.constantFrom(1 / 64, 0.25, 0.5, 1, 2)),
  { minLength: 1, maxLength: 200, size: 'max' },
);

function property(parts: CoreParts) {
  return fc.asyncProperty(lengths, async (lengthsMs) => {
    expect(await hold(parts, lengthsMs)).toEqual(expected(lengthsMs));
  });
}

test('INV-HANDOFF-1, INV-HANDOFF-2: a lock is kept for 1 ms and 64 holds, and after no hold that was longer', async () => {
  await fc.assert(property({ acquire, Namespace }), modelRuns(300));
});

test.each([
  ['for 65 holds', 'handoff.js', 'HOLDS_MAX = 64', 'HOLDS_MAX = 65'],
  ['for ever', 'handoff.js', 'now - this.since < KEPT_FOR_MS', 'true'],
  ['for 2 ms', 'handoff.js', 'KEPT_FOR_MS = 1', 'KEPT_FOR_MS = 2'],
  ['from the last grant on', 'guard.js', 'queue.cohort ?? new Cohort', 'new Cohort'],
  ['from an earlier cohort on', 'guard.js', 'queue.cohort = undefined;', ''],
])('the model finds a core that keeps a lock %s', async (_, file, was, is) => {
  const failure = await fc.check(property(await patchedCore(file, was, is)), { seed: 1, numRuns: 2_000 });
  expect(failure.failed).toBe(true);
});
