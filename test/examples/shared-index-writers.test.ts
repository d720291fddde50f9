import { expect, test } from 'vitest';

import { killWriters } from './shared-index-writers.js';
import { ENGINES } from './shared-index.js';

test.each(ENGINES)(
  'four writers on two hosts, killed at random, put every document into a %s index once',
  async (engine) => {
    const { commits } = await killWriters({ engine, kills: 6, documents: 40 });

    expect(commits.length).toBeGreaterThanOrEqual(4 * (40 / 8));
  },
);
