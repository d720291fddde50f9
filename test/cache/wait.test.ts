import { expect, test } from 'vitest';

import { cpuOfWaiting } from './wait.js';

test('waiting 5 s for the lock of a cache burns next to nothing: nobody polls', async () => {
  expect(await cpuOfWaiting(5_000)).toBeLessThan(0.1);
});
