import { test } from 'vitest';

import { countExactly } from './lock-exactness.js';

test('INV-FLOCK-1, INV-FLOCK-8: 8 processes x 500 increments come to exactly 4000, while lock files are cleaned away under them', async () => {
  await countExactly(500);
});
