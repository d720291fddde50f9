import { expect, test } from 'vitest';

import { namesUnderKills } from './names.js';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);

test.each(['flock', 'lease'] as const)('%s by all names, under kills and stops, for 120 s', async (kind) => {
  const figures = await namesUnderKills(kind, 120, seed);
  console.log(kind, seed, JSON.stringify(figures));
  expect(figures).toMatchObject({ overlaps: 0, reversals: 0, failures: [] });
  expect(figures.holds).toBeGreaterThan(0);
});
