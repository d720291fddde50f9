import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire } from '../../src/locks/acquire.js';
import { breakLock } from '../../src/locks/manage.js';
import type { Guard } from '../../src/index.js';
import { connectRedis } from '../support/redis-client.js';
import { startRedis, type RedisServer } from '../support/engines.js';

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
