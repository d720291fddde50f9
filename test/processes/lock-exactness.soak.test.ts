import { test } from 'vitest';

import { countExactly } from './lock-exactness.js';

test('8 processes x 2000 increments come to exactly 16000, while lock files are cleaned away under them', async () => {
  await countExactly(2_000);
});
