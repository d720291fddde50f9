import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { startRedis, type RedisServer } from '../../support/engines.js';
import { connectRedis, type TestRedis } from '../../support/redis-client.js';

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

describe('a lock on a Redis server', () => {
  test('one holder at a time; the next one after its release, with a higher token', async () => {
    const first = await acquire(at('plain'), { reason: 'testing' });
    expect(await tryAcquire(at('plain'))).toBeUndefined();
    await first.release();
    const second = await acquire(at('plain'));
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
    await second.release();
    expect(await redis.sendCommand(['EXISTS', '{plain}:lock'])).toBe(0);
  });
});
