import { expect, test } from 'vitest';

import { wakesOfWaiting } from './wait.js';

test('while it waits for the lock of a cache, a command does not poll', async () => {
  expect(await wakesOfWaiting(5_000)).toBeLessThan(30);
});
