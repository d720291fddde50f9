import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire } from '../../src/locks/acquire.js';
import { inspect } from '../../src/locks/inspect.js';
import { breakLock } from '../../src/locks/manage.js';
import type { Guard } from '../../src/index.js';
import { until } from '../support/ports.js';
import { connectRedis } from '../support/redis-client.js';
import {
  etcdCall,
  startEtcd,
  startPostgres,
  startRedis,
  type EtcdCluster,
  type PostgresServer,
  type RedisServer,
} from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';

/** So long that no renewal can be what finds the loss. */
const LEASE = { leaseDurationMs: 600_000 } as const;

const lossOf = (guard: Guard): Promise<unknown> =>
  new Promise((resolve) => {
    guard.lost.addEventListener('abort', () => resolve(guard.lost.reason), { once: true });
  });

describe('the loss of a hold on redis is pushed', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  const ends: readonly (readonly [string, (guard: Guard, address: string) => Promise<unknown>])[] = [
    ['its key is deleted', async () => (await admin()).sendCommand(['DEL', '{hold}:lock'])],
    ['its key is written by another', async () => (await admin()).sendCommand(['SET', '{hold}:lock', 'x'])],
    ['all keys are flushed', async () => (await admin()).sendCommand(['FLUSHALL'])],
    ['it is broken', (guard, address) => breakLock(address, guard.holderId)],
    ['it is broken at once', (guard, address) => breakLock(address, guard.holderId, { isImmediate: true })],
    ['the server restarts without its data', () => server.restart()],
  ];

  async function admin() {
    const redis = await connectRedis(server.url);
    return {
      sendCommand: async (args: readonly string[]) => {
        await redis.sendCommand(args);
        redis.destroy();
      },
    };
  }

  test.each(ends)('when %s', async (_name, end) => {
    const address = `${server.url}#hold`;
    const guard = await acquire(address, LEASE);
    const lost = lossOf(guard);
    await end(guard, address);
    expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(() => guard.assertHeld()).toThrow(expect.objectContaining({ code: 'HOLDFAST_LOST' }));
    await guard.release();
    await (await admin()).sendCommand(['FLUSHALL']);
  });

  test('INV-REDIS-4: a broken permit stays out until its holder has ceased to believe', async () => {
    const address = `${server.url}#permits`;
    const holder = await acquire(address, { ...LEASE, permits: 1 });
    const lost = lossOf(holder);
    expect(await breakLock(address, holder.holderId)).toBe(true);
    await expect(acquire(address, { ...LEASE, permits: 1, timeoutMs: 0 })).rejects.toMatchObject({
      code: 'HOLDFAST_CONTENDED',
    });
    expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
    await holder.release();
  });
});

describe('the loss of a hold on etcd is pushed', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd();
  });
  afterAll(() => cluster.stop());
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const keyOf = (guard: Guard): string => encode(`holdfast/hold/x/${guard.holderId}`);

  const ends: readonly (readonly [string, (guard: Guard, address: string) => Promise<unknown>])[] = [
    ['its key is deleted', (guard) => etcdCall(cluster.url, '/v3/kv/deleterange', { key: keyOf(guard) })],
    [
      'its lease is revoked',
      async (guard) => {
        const { kvs } = await etcdCall(cluster.url, '/v3/kv/range', { key: keyOf(guard) });
        const [{ lease }] = kvs as [{ lease: string }];
        await etcdCall(cluster.url, '/v3/lease/revoke', { ID: lease });
      },
    ],
    ['it is broken', (guard, address) => breakLock(address, guard.holderId)],
    ['it is broken at once', (guard, address) => breakLock(address, guard.holderId, { isImmediate: true })],
  ];

  test.each(ends)('when %s', async (_name, end) => {
    const address = `${cluster.url}#hold`;
    const guard = await acquire(address, LEASE);
    const lost = lossOf(guard);
    await end(guard, address);
    expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
    await guard.release();
    await etcdCall(cluster.url, '/v3/kv/deleterange', {
      key: encode('holdfast/'),
      range_end: encode('holdfast0'),
    });
  });

  test('a claim that waits is not broken, and is served in its turn', async () => {
    const guard = await acquire(`${cluster.url}#queue`, LEASE);
    const waiting = acquire(`${cluster.url}/other#queue`, LEASE);
    const waiter = async () => (await inspect(`${cluster.url}#queue`)).waiters[0];
    await until('it waits', async () => (await waiter()) !== undefined);
    const holderId = (await waiter())?.holderId as string;
    expect(await breakLock(`${cluster.url}#queue`, holderId)).toBe(false);
    await guard.release();
    const next = await waiting;
    next.assertHeld();
    await next.release();
  });
});

describe('the loss of a hold on postgres is pushed', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const ends: readonly (readonly [string, (guard: Guard, address: string) => Promise<unknown>])[] = [
    [
      'its session is terminated',
      async () => {
        const admin = await connectPostgres(server.url);
        await admin.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
        await admin.end();
      },
    ],
    ['it is broken', (guard, address) => breakLock(address, guard.holderId)],
    ['it is broken at once', (guard, address) => breakLock(address, guard.holderId, { isImmediate: true })],
    ['the server restarts', () => server.restart()],
  ];

  test.each(ends)('when %s', async (_name, end) => {
    const address = `${server.url}#hold`;
    const guard = await acquire(address);
    const lost = lossOf(guard);
    await end(guard, address);
    expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
    await guard.release();
  });
});
