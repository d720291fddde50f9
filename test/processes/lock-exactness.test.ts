import { test } from 'vitest';

import { countExactly } from './lock-exactness.js';

test('INV-FLOCK-1, INV-FLOCK-8: 8 processes x 250 increments come to exactly 2000, while lock files are cleaned away under them', async () => {
  await countExactly(250);
});
