import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { killWritersAtRandom } from './crash.js';

test('200 writers killed at random', async () => {
  const { temps } = await killWritersAtRandom(testDirectory(), 200);
  expect(temps).toBeGreaterThan(5);
});
