import { test } from 'vitest';

import { takeInRandomOrders } from './lock-all.js';

test('lockAll from 8 processes in random orders: no deadlock, and nothing is held after a failure', async () => {
  await takeInRandomOrders(5);
});
