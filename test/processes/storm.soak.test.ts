import { expect, test } from 'vitest';

import { storm } from './storm.js';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);

test('a storm of 60 s', async () => {
  const figures = await storm(60, seed);
  // The row of docs/reference/storm.md.
  console.log(JSON.stringify(figures, null, 2));
  expect(figures).toMatchObject({ overlaps: 0, failures: [] });
});
