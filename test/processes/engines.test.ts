import { expect, test } from 'vitest';

import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { raceCounter } from './engine-counter.js';
import { machineUnit } from '../support/time.js';

// The full 8 x 200 with more kills is in engines.soak.test.ts.
const scaled = { processes: 4, rounds: 40, leaseMs: 4_000 * machineUnit, kills: 2 };

test('INV-REDIS-1: no increment is lost while holders are killed', async () => {
  await using server = await startRedis();
  await raceCounter({ address: `${server.url}#counter`, ...scaled });
  expect(server.port).toBeGreaterThan(0);
});

test('INV-ETCD-1: no increment is lost while holders are killed', async () => {
  await using cluster = await startEtcd(1);
  await raceCounter({ address: `${cluster.url}#counter`, ...scaled });
});

test('INV-POSTGRES-1: no increment is lost while holders are killed', async () => {
  await using server = await startPostgres();
  await raceCounter({ address: `${server.url}#counter`, ...scaled });
});
