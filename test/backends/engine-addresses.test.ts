import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';

import { etcdConfig } from '../../src/backends/etcd/config.js';
import { postgresConfig } from '../../src/backends/postgres/config.js';
import { redisConfig } from '../../src/backends/redis/config.js';
import { parseAddress } from '../../src/core/address.js';
import { canonicalServer } from '../../src/core/canonical-server.js';
import { acquire } from '../../src/locks/acquire.js';
import { createLock } from '../../src/locks/lock.js';
import { startRedis } from '../support/engines.js';

const config = (address: string) => redisConfig(parseAddress(address).target, {});

describe('addresses of servers', () => {
  test('a password with a percent sign that escapes nothing is taken as it stands', () => {
    expect(config('redis://:50%@h#x').password).toBe('50%');
    expect(config('redis://:a%40b%@h#x').password).toBe('a@b%');
    expect(etcdConfig('etcd://u:50%@h', {}).password).toBe('50%');
    const [connectionString] = postgresConfig('postgres://u:50%@h/d').connectionStrings;
    expect(connectionString).toBe('postgres://u:50%25@h/d');
  });

  test('redis: the database, a socket, and the names of Valkey', () => {
    expect(config('redis://h/4#x')).toMatchObject({ host: 'h', port: 6379, database: 4 });
    expect(config('redis://h?db=4#x')).toMatchObject({ database: 4 });
    expect(config('valkey://h:7/1#x')).toMatchObject({ host: 'h', port: 7, database: 1 });
    expect(config('valkeys://h#x')).toMatchObject({ tls: {} });
    expect(config('redis:///2?socket=/run/redis.sock#x')).toMatchObject({
      socketPath: '/run/redis.sock',
      database: 2,
      server: '/run/redis.sock',
    });
  });

  test.each([
    'redis://h/1?db=2#x',
    'redis://h?family=6#x',
    'redis://h/one#x',
    'etcds://h?sslmode=on#x',
    'postgres://h/d?family=6#x',
  ])('what would be ignored is refused: %s', (address) => {
    const { scheme, target } = parseAddress(address);
    const read = { redis: redisConfig, etcd: etcdConfig, postgres: postgresConfig }[scheme as 'redis'];
    expect(() => read(target, {})).toThrow(TypeError);
  });

  test.each([
    ['redis:///run/redis.sock#x', /redis:\/\/\/0\?socket=\/run\/redis\.sock/],
    ['redis+unix:///run/redis.sock#x', /\?socket=PATH/],
    ['redis-sentinel://h/main#x', /Sentinels are not supported/],
    ['redis-cluster://h#x', /Clusters are not supported/],
  ])('what other tools write is answered with what to write here: %s', (address, next) => {
    expect(() => redisConfig(parseAddress(address).target, {})).toThrow(next);
  });

  test('two sockets are two servers', () => {
    const [one, other] = ['/run/a', '/run/b'].map((host) => canonicalServer(`postgres://u@/d?host=${host}`));
    expect(one).not.toBe(other);
    expect(canonicalServer('postgres://u@/d?host=/run/a&port=7')).not.toBe(one);
  });

  test('postgres: several hosts, and a socket with a user and no host', () => {
    const several = postgresConfig(parseAddress('postgres://u@a,b:7/d?sslmode=require#x').target);
    expect(several.connectionStrings).toEqual([
      'postgres://u@a/d?sslmode=require',
      'postgres://u@b:7/d?sslmode=require',
    ]);
    expect(several.server).toBe('a:5432,b:7');
    const socket = postgresConfig(parseAddress('postgres://user@/db?host=/run/postgresql#x').target);
    expect(socket.server).toBe('/run/postgresql');
    expect(socket.connectionStrings).toHaveLength(1);
  });

  test("a caller's client that was never connected is named as the cause", async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1' });
    const taking = acquire(createLock('redis://h#x', { client: client as never }));
    await expect(taking).rejects.toThrow(/is not connected\. Call its connect\(\)/);
  });

  test('clients of other packages are refused before they are used, and a pg.Client is no pg.Pool', async () => {
    const ioredis = { status: 'ready', sendCommand: () => Promise.resolve() };
    const pgClient = { processID: null, connect: () => Promise.resolve() };
    for (const [address, client] of [
      ['redis://h#x', ioredis],
      ['postgres://h/d#x', pgClient],
    ] as const) {
      const use = async (): Promise<unknown> => acquire(createLock(address, { client: client as never }));
      await expect(use()).rejects.toThrow(TypeError);
    }
  });
});

describe('a server of redis says what is wrong', () => {
  test('a database that it has not, and too many clients', async () => {
    await using server = await startRedis('--databases', '2', '--maxclients', '1');
    await expect(acquire(`${server.url.replace('/0', '/7')}#x`)).rejects.toThrow(
      /no database of this number/,
    );
    const first = await acquire(`${server.url}#x`).catch((error: Error) => error.message);
    if (typeof first !== 'string') await first.release();
    await expect(acquire(`${server.url}?db=0#y`)).rejects.toThrow(/no connection left/);
  });
});
