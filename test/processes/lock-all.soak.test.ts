import { test } from 'vitest';

import { takeInRandomOrders } from './lock-all.js';

test('lockAll from 8 processes in random orders for 30 s', async () => {
  await takeInRandomOrders(30);
});
