import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startParty } from '../support/lease.js';

import { raceForExpired } from './lease-crowd.js';
import { machineUnit } from '../support/time.js';

test('INV-LEASE-2 twenty processes on an expired lease, 100 times: one winner each time', async () => {
  await raceForExpired(20, 100);
});

test('sixteen processes that start at once each get a short lease', async () => {
  const directory = testDirectory();
  const parties = Array.from({ length: 16 }, (_, index) =>
    startParty(directory, join(directory, String(index)), { leaseMs: 1_000 * machineUnit }),
  );
  await Promise.all(
    parties.map(async (party) => {
      await party.held();
      party.order('release');
      await party.child.line(/^did release/);
    }),
  );
  expect(parties.map(({ child }) => child.stdout())).not.toContainEqual(expect.stringContaining('lost'));
});
