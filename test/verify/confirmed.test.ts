import { expect, test } from 'vitest';

import { confirmed, TIMES_SEEN } from '../../src/verify/checks/confirmed.js';
import { finding, type Finding } from '../../src/verify/finding.js';
import { judge } from '../../src/verify/judge.js';

/** A check that finds one after the other, and how often it was run. */
function check(...outcomes: readonly Finding[]) {
  let runs = 0;
  const run = (): Promise<Finding> => Promise.resolve(outcomes[runs++] ?? (outcomes.at(-1) as Finding));
  return { run, runs: () => runs };
}

const early = finding('lease takeover', 'broken', 'it was taken over before it had run out', {
  takeoverMs: 900,
});
const lost = finding('lease', 'refused', 'it was not renewed in time', { code: 'HOLDFAST_LOST' });
const held = finding('lease', 'holds', 'no overlap in 16 holds');
const both = finding('lease', 'broken', 'both were given the lock', { overlaps: 1 });

test('what holds is looked at once', async () => {
  const { run, runs } = check(held);
  expect(await confirmed(run)).toBe(held);
  expect(runs()).toBe(1);
});

test('two holders at once are proof', async () => {
  const { run, runs } = check(both);
  expect(await confirmed(run)).toBe(both);
  expect(runs()).toBe(1);
});

test.each([early, lost])('what is seen once and not again is slow, not unsafe: $detail', async (once) => {
  const found = await confirmed(check(once, held).run);
  expect([found.outcome, found.figures['isSlow']]).toEqual(['unknown', true]);
  expect(found.detail).toContain(once.detail);
  expect(found.detail).toContain('longer --lease');
  const fileSystem = { kind: 'local', name: 'ext4' } as const;
  expect(judge('lease', { findings: [found], flaws: [], fileSystem, view: 'one mount' }).verdict).toBe(
    'unknown',
  );
});

test('what is seen each time is condemned', async () => {
  const { run, runs } = check(early);
  expect((await confirmed(run)).outcome).toBe('broken');
  expect(runs()).toBe(TIMES_SEEN);
});

test('an overlap that a repetition shows is proof', async () => {
  expect(await confirmed(check(lost, both).run)).toBe(both);
});
