import { test } from 'vitest';

import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { raceCounter } from './engine-counter.js';

const full = { processes: 8, rounds: 200, leaseMs: 5_000, kills: 10 };

test('redis: 8 processes x 200 increments, ten of them killed', async () => {
  await using server = await startRedis();
  await raceCounter({ address: `${server.url}#counter`, ...full });
});

test('etcd, three members: 8 processes x 200 increments, ten of them killed', async () => {
  await using cluster = await startEtcd(3);
  await raceCounter({ address: `${cluster.url}#counter`, ...full });
});

test('postgres: 8 processes x 200 increments, ten of them killed', async () => {
  await using server = await startPostgres();
  await raceCounter({ address: `${server.url}#counter`, ...full });
});
