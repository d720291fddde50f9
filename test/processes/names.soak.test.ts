import { expect, test } from 'vitest';

import { NAMES_KINDS, namesUnderKills } from './names.js';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
/** For each kind: twenty minutes together. */
const SECONDS = 300;

test.each(NAMES_KINDS)(
  `%s by all names, under kills and stops, with clean beside, for ${SECONDS} s`,
  { timeout: 2 * SECONDS * 1_000 },
  async (kind) => {
    const figures = await namesUnderKills(kind, SECONDS, seed);
    console.log(kind, seed, JSON.stringify(figures));
    expect(figures).toMatchObject({ overlaps: 0, reversals: 0, failures: [] });
    expect(figures.holds).toBeGreaterThan(0);
  },
);
