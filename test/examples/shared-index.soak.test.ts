import { expect, test } from 'vitest';

import { killWriters } from './shared-index-writers.js';
import { ENGINES } from './shared-index.js';

test.each(ENGINES)('a hundred kills of four writers on two hosts (%s)', async (engine) => {
  const documents = 800;
  const { commits, interrupted } = await killWriters({ engine, kills: 100, documents });

  console.log(`${engine}: ${commits.length - 1} commits, ${interrupted} writers interrupted`);
  expect(commits.length).toBeGreaterThan((4 * documents) / 8);
  expect(interrupted).toBeGreaterThan(50);
});
