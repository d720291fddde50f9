import { expect, test } from 'vitest';

import { cpuOfWaiting } from './wait.js';

test('waiting five minutes for the lock of a cache burns less than 0.3 s', async () => {
  expect(await cpuOfWaiting(300_000)).toBeLessThan(0.3);
});
