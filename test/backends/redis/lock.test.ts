import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Guard } from '../../../src/core/guard.js';
import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { createLock, targetOf as targetOfLock } from '../../../src/locks/lock.js';
import { inspect } from '../../../src/locks/inspect.js';
import { startRedis, type RedisServer } from '../../support/engines.js';
import { connectRedis, type TestRedis } from '../../support/redis-client.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { machineUnit, quiescentMs } from '../../support/time.js';

let server: RedisServer;
let redis: TestRedis;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(server.url);
});
afterAll(async () => {
  redis.destroy();
  await server.stop();
});

const at = (name: string): string => `${server.url}#${name}`;
/** The same lock as another program sees it: not through this one's queue. */
const elsewhere = (name: string): string => `${server.url}?db=0#${name}`;

function lossOf(guard: Guard): Promise<unknown> {
  return new Promise((resolve) => {
    guard.lost.addEventListener('abort', () => resolve(guard.lost.reason), { once: true });
  });
}

describe('a lock on a Redis server', () => {
  test('is one key with a time to live, and none after the release', async () => {
    const guard = await acquire(at('plain'), { reason: 'to be seen', leaseDurationMs: 5_000 });
    expect(await redis.sendCommand(['PTTL', '{plain}:lock'])).toBeGreaterThan(3_000);
    const { holders } = await inspect(at('plain'));
    expect(holders).toMatchObject([
      { holderId: guard.holderId, pid: process.pid, reason: 'to be seen', isAlive: true },
    ]);
    await guard.release();
    expect(await redis.sendCommand(['EXISTS', '{plain}:lock'])).toBe(0);
    // INV-REDIS-2: the token outlives the lock.
    expect(await redis.sendCommand(['GET', '{plain}:token'])).toBe(String(guard.fencingToken));
  });

  test('names with braces, spaces and other alphabets are apart and share no key with others', async () => {
    const names = ['a}', 'a{b}', '{a}', 'a', 'ä ö', 'a%7D', '../x', 'a:lock'];
    const guards = await Promise.all(names.map((name) => acquire(at(name))));
    expect(new Set(guards.map((guard) => guard.holderId)).size).toBe(names.length);
    const keys = (await redis.sendCommand(['KEYS', '*:lock'])) as string[];
    expect(keys).toHaveLength(names.length);
    await Promise.all(guards.map((guard) => guard.release()));
  });

  test('a permit whose holder died is free for those who look, and its keys end with it', async () => {
    const permit = await acquire(at('permits'), { permits: 2, leaseDurationMs: 600_000 });
    expect((await inspect(at('permits'))).holders).toMatchObject([{ holderId: permit.holderId }]);
    for (const key of ['{permits}:permits', '{permits}:holders']) {
      expect(await redis.sendCommand(['PTTL', key])).toBeGreaterThan(1_000);
    }
    // As it is when nothing has renewed it.
    await redis.sendCommand(['ZADD', '{permits}:permits', 'XX', '1', permit.holderId]);
    expect(await inspect(at('permits'))).toMatchObject({ isHeld: false, holders: [] });
    await permit.release();
  });

  test('INV-REDIS-3: the release of an expired lock frees nobody', async () => {
    const first = await acquire(at('expired'), { leaseDurationMs: 3_000 * machineUnit });
    const lost = lossOf(first);
    // Time passes for the server alone, as it does for a holder that is paused.
    await redis.sendCommand(['PEXPIRE', '{expired}:lock', '1']);
    const second = await acquire(elsewhere('expired'));
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
    await first.release();
    expect(await tryAcquire(elsewhere('expired'))).toBeUndefined();
    second.assertHeld();
    await second.release();
    void lost;
  });

  test('a hold that somebody else has meanwhile is told as taken, one whose key is gone as missing', async () => {
    const taken = await acquire(at('taken'), { leaseDurationMs: 3_000 * machineUnit });
    const missing = await acquire(at('missing'), { leaseDurationMs: 3_000 * machineUnit });
    const told = Promise.all([lossOf(taken), lossOf(missing)]);
    const thief = `1 ${'t'.repeat(26)} 1\n{}`;
    await redis.sendCommand(['SET', '{taken}:lock', thief]);
    await redis.sendCommand(['DEL', '{missing}:lock']);
    expect(await told).toMatchObject([{ lossReason: 'taken' }, { lossReason: 'record-missing' }]);
    await taken.release();
    expect(await redis.sendCommand(['GET', '{taken}:lock'])).toBe(thief);
  });

  test('a connection that ends before its answer is replaced, and asked again', async () => {
    const proxy = await startTcpProxy(server.port);
    const through = `redis://127.0.0.1:${proxy.port}/0`;
    await (await acquire(`${through}#warm`)).release();
    proxy.cut();
    const asked = acquire(`${through}#cut off`);
    await new Promise(setImmediate);
    proxy.heal();
    proxy.reset();
    await (await asked).release();
    await proxy.close();
  });

  test('a release wakes a waiter', async () => {
    const guard = await acquire(at('woken'), { leaseDurationMs: 60_000 });
    const waiting = acquire(elsewhere('woken'));
    // The waiter has asked, been refused and gone to sleep.
    await delay(quiescentMs);
    await guard.release();
    await (await waiting).release();
  });

  test('a key that another program wrote is neither taken nor read as a holder', async () => {
    await redis.sendCommand(['SET', '{foreign}:lock', 'a token of another library']);
    await expect(tryAcquire(at('foreign'))).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
    await expect(inspect(at('foreign'))).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
    await redis.sendCommand(['SET', '{newer}:lock', `2 ${'n'.repeat(26)} 1\n{}`]);
    await expect(tryAcquire(at('newer'))).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
      message: expect.stringContaining('format 2') as string,
    });
    await redis.sendCommand(['RPUSH', '{list}:lock', 'x']);
    await expect(tryAcquire(at('list'))).rejects.toMatchObject({ code: 'HOLDFAST_CONFIG_MISMATCH' });
  });

  test("through the caller's own client", async () => {
    const options = { client: redis, leaseDurationMs: 1_000 * machineUnit } as const;
    const guard = await acquire(createLock('redis://own-client#borrowed', options));
    // Renewed on the loop, past its first lease.
    await delay(1_500 * machineUnit);
    guard.assertHeld();
    expect(await tryAcquire(elsewhere('borrowed'))).toBeUndefined();
    await guard.release();
    expect(await redis.sendCommand(['EXISTS', '{borrowed}:lock'])).toBe(0);
  });

  test('the lease is renewed while the event loop of its holder is stuck', async () => {
    const guard = await acquire(at('stuck'), { leaseDurationMs: 1_000 * machineUnit });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000 * machineUnit);
    guard.assertHeld();
    await guard.release();
  });
});

describe('breaking a lock', () => {
  test('lets the time of its holder run out before anybody else is in', async () => {
    const guard = await acquire(at('broken'), { leaseDurationMs: 2_000 * machineUnit });
    const lost = lossOf(guard);
    const { namespace, resource } = targetOfLock(at('broken'));
    expect(await namespace.backend.forceRelease?.(resource, 'a'.repeat(26))).toBe(false);
    expect(await namespace.backend.forceRelease?.(resource, guard.holderId)).toBe(true);
    expect(await tryAcquire(elsewhere('broken'))).toBeUndefined();
    const { holders } = await inspect(at('broken'));
    expect(holders[0]?.note).toMatch(/broken by force/);
    const next = await acquire(elsewhere('broken'));
    expect(await lost).toMatchObject({ lossReason: 'taken' });
    expect(next.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
    await next.release();
  });

  test('or, at once, leaves it to the token', async () => {
    const guard = await acquire(at('broken now'));
    const { namespace, resource } = targetOfLock(at('broken now'));
    expect(await namespace.backend.forceRelease?.(resource, guard.holderId, { isImmediate: true })).toBe(
      true,
    );
    const next = await tryAcquire(elsewhere('broken now'));
    expect(next?.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
    await next?.release();
    await guard.release();
  });
});
