import { expect, test } from 'vitest';

import { startEtcd, startPostgres, startRedis } from '../../support/engines.js';
import { run } from './run.js';
import { etcdLeaderTroubles, etcdTroubles, postgresTroubles, redisTroubles } from './troubles.js';

/** For each run: 10 before a release. */
const minutes = Number(process.env['HOLDFAST_NEMESIS_MINUTES'] ?? 2);
const LIMIT = { timeout: (minutes + 3) * 60_000 };
const SOUND = { overlaps: [], tokenReversals: 0, olderAccepted: 0, unhandled: [] };

test('redis with its data on disk', LIMIT, async () => {
  await using server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const verdict = await run({ name: 'redis', url: server.url, minutes, troubles: redisTroubles(server) });
  expect(verdict).toMatchObject(SOUND);
});

test('redis without its data: overlaps are counted, tokens protect', LIMIT, async () => {
  await using server = await startRedis();
  const troubles = redisTroubles(server);
  const verdict = await run({ name: 'redis in memory', url: server.url, minutes, troubles });
  expect(verdict).toMatchObject({ tokenReversals: 0, olderAccepted: 0, unhandled: [] });
});

test('postgres', LIMIT, async () => {
  await using server = await startPostgres();
  const verdict = await run({
    name: 'postgres',
    url: server.url,
    minutes,
    troubles: postgresTroubles(server),
  });
  expect(verdict).toMatchObject(SOUND);
});

test('etcd, three members', LIMIT, async () => {
  await using cluster = await startEtcd(3);
  const verdict = await run({ name: 'etcd', url: cluster.url, minutes, troubles: etcdTroubles(cluster) });
  expect(verdict).toMatchObject(SOUND);
});

test('etcd, its leader paused past the lease: overlaps are counted, tokens protect', LIMIT, async () => {
  await using cluster = await startEtcd(3);
  const troubles = etcdLeaderTroubles(cluster);
  const verdict = await run({ name: 'etcd, leader paused', url: cluster.url, minutes, troubles });
  expect(verdict).toMatchObject({ tokenReversals: 0, olderAccepted: 0, unhandled: [] });
});
