import { expect, test } from 'vitest';

import { handoversAfterDeath, report } from './lock-death.js';

test('the next in line has the lock of a killed holder within 100 ms, 100 times in a row', async () => {
  expect(report(await handoversAfterDeath(100)).worst).toBeLessThan(100);
});
