import { expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { startRedis } from '../../support/engines.js';
import { until } from '../../support/ports.js';
import { connectRedis } from '../../support/redis-client.js';

test('INV-REDIS-2: with an append-only file, holds and tokens outlive a restart of the server', async () => {
  await using server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const address = `${server.url}#kept`;
  const first = await acquire(address);
  await first.release();
  const second = await acquire(address);
  await server.restart();
  expect(await tryAcquire(`${server.url}?db=0#kept`)).toBeUndefined();
  second.assertHeld();
  await second.release();
  const third = await acquire(address);
  expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
  expect(third.fencingToken).toBeGreaterThan(second.fencingToken as bigint);
  await third.release();
});

test('without persistence a restart frees the lock: the holder is told, and the token still rises', async () => {
  await using server = await startRedis();
  const address = `${server.url}#forgotten`;
  const guard = await acquire(address, { leaseDurationMs: 1_500 });
  const lost = new Promise((resolve) => {
    guard.lost.addEventListener('abort', () => resolve(guard.lost.reason), { once: true });
  });
  await server.restart();
  const next = await acquire(`${server.url}?db=0#forgotten`);
  expect(next.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
  expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
  await next.release();
  await guard.release();
});

test('INV-REDIS-2: a clock of the server that was set back does not set tokens back', async () => {
  await using server = await startRedis();
  const redis = await connectRedis(server.url);
  const ahead = 9_000_000_000_000_000n;
  await redis.sendCommand(['SET', '{skewed}:token', String(ahead)]);
  const guard = await acquire(`${server.url}#skewed`);
  expect(guard.fencingToken).toBe(ahead + 1n);
  await guard.release();
  redis.destroy();
});

test('a server that may evict locks is refused', async () => {
  await using server = await startRedis('--maxmemory-policy', 'allkeys-lru');
  await expect(acquire(`${server.url}#x`)).rejects.toMatchObject({
    code: 'HOLDFAST_CONFIG_MISMATCH',
    message: expect.stringContaining('noeviction') as string,
  });
});

test('a node of a cluster is refused', async () => {
  await using server = await startRedis('--cluster-enabled', 'yes');
  await expect(acquire(`${server.url}#x`)).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
});

test('a read-only replica is refused', async () => {
  await using primary = await startRedis();
  await using replica = await startRedis('--replicaof', `127.0.0.1 ${primary.port}`);
  await expect(acquire(`${replica.url}#x`)).rejects.toMatchObject({ code: 'HOLDFAST_CONFIG_MISMATCH' });
});

test('a failover that loses the lock lets two believe; the later token is the higher one', async () => {
  await using primary = await startRedis('--repl-diskless-sync-delay', '0');
  await using replica = await startRedis('--replicaof', `127.0.0.1 ${primary.port}`);
  const admin = await connectRedis(replica.url);
  await until('it follows', async () =>
    String(await admin.sendCommand(['INFO'])).includes('master_link_status:up'),
  );
  // Promoted, as a supervisor does that no longer reaches the primary; clients of the primary still do.
  await admin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
  const first = await acquire(`${primary.url}#failover`);
  const second = await acquire(`${replica.url}#failover`, { timeoutMs: 5_000 });
  first.assertHeld();
  second.assertHeld();
  expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
  await Promise.all([first.release(), second.release()]);
  admin.destroy();
});
