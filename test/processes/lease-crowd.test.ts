import { test } from 'vitest';

import { raceForExpired } from './lease-crowd.js';

test(
  'INV-LEASE-2 twenty processes on an expired lease, 100 times: one winner each time',
  { timeout: 60_000 },
  async () => {
    await raceForExpired(20, 100);
  },
);
