import { expect, test } from 'vitest';

import { wakesOfWaiting } from './wait.js';

test('in five minutes of waiting for the lock of a cache, a command does not poll', async () => {
  expect(await wakesOfWaiting(300_000)).toBeLessThan(30);
});
