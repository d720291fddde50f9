import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Guard } from '../../src/core/guard.js';
import { fencedUpdate, redisValue } from '../../src/fencing/index.js';
import { acquire } from '../../src/locks/acquire.js';
import { startRedis, type RedisServer } from '../support/engines.js';
import { connectRedis, type TestRedis } from '../support/redis-client.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { threeEngines } from '../support/three-engines.js';
import { hangMs, machineUnit } from '../support/time.js';

const engines = threeEngines();
let resource: RedisServer;
let resourceClient: TestRedis;

beforeAll(async () => {
  resource = await startRedis();
  resourceClient = await connectRedis(resource.url);
});
afterAll(async () => {
  resourceClient.destroy();
  await resource.stop();
});

const through = (url: string, proxy: TcpProxy, port: number): string =>
  url.replace(`:${port}`, `:${proxy.port}`);

/** Milliseconds of this host's one clock at which the hold was told to be lost. */
function lostAt(guard: Guard): Promise<number> {
  return new Promise((resolve) => {
    guard.lost.addEventListener('abort', () => resolve(performance.now()), { once: true });
  });
}

describe.each(['redis', 'etcd', 'postgres'])('a holder on %s whose connection is cut', (engine) => {
  test('knows that it is lost before another is granted, and its fenced write is refused', async () => {
    const server = {
      redis: { url: engines.redis.url, port: engines.redis.port },
      etcd: { url: engines.etcd.url, port: engines.etcd.members[0]?.clientPort as number },
      postgres: { url: engines.postgres.url, port: engines.postgres.port },
    }[engine] as { url: string; port: number };
    const proxy = await startTcpProxy(server.port);
    const store = redisValue(resourceClient, `fenced by ${engine}`);
    const first = await acquire(`${through(server.url, proxy, server.port)}#cut`, {
      leaseDurationMs: 2_000 * machineUnit,
    });
    await fencedUpdate(first, store, 'first');
    const lost = lostAt(first);

    proxy.cut();
    const waiting = acquire(`${server.url}#cut`, { leaseDurationMs: 2_000 * machineUnit, timeoutMs: hangMs });
    if (engine === 'postgres') {
      // Over a proxy the server's own packets are acknowledged, so it notices nothing; the proxy's end stands for that.
      await lost;
      await proxy.close();
    }
    const second = await waiting;
    const grantedAt = performance.now();
    // The loss has been told before the grant, by the clock of the one host that both are on.
    expect(await lost).toBeLessThan(grantedAt);
    expect(() => first.assertHeld()).toThrow(expect.objectContaining({ code: 'HOLDFAST_LOST' }));

    // The paused writer, past its own check: the resource refuses all the same.
    expect(await store.write(second.fencingToken as bigint, 'second')).toBe('written');
    expect(await store.write(first.fencingToken as bigint, 'first again')).toBe('stale');
    await expect(fencedUpdate(first, store, 'x')).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(await resourceClient.sendCommand(['GET', `fenced by ${engine}`])).toBe('second');

    proxy.heal();
    await first.release();
    second.assertHeld();
    await second.release();
    await proxy.close();
  });
});
