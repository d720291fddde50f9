import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  etcdValue,
  fencedUpdate,
  fencingTokenOf,
  httpResource,
  redisValue,
  sqlRow,
  type FencedStore,
} from '../../src/fencing/index.js';
import { etcdCall } from '../support/engines.js';
import { connectPostgres, type TestPostgres } from '../support/postgres-client.js';
import { connectRedis, type TestRedis } from '../support/redis-client.js';
import { threeEngines } from '../support/three-engines.js';

/** A hold that believes in itself, whatever its token. */
const holder = (fencingToken: bigint | undefined) => ({
  address: 'test',
  fencingToken,
  assertHeld: () => undefined,
});

interface Bench {
  store(): FencedStore<never>;
  change(text: string): unknown;
  read(): Promise<string | undefined>;
}

const engines = threeEngines();
let redisClient: TestRedis;
let postgresClient: TestPostgres;
let http: Server;
let httpUrl: string;
let httpValue: string | undefined;

beforeAll(async () => {
  redisClient = await connectRedis(engines.redis.url);
  postgresClient = await connectPostgres(engines.postgres.url);
  await postgresClient.query(
    `CREATE TABLE "Odd ""name" (id int PRIMARY KEY, "a ""b" text, fence bigint NOT NULL DEFAULT 0)`,
  );
  let last = 0n;
  http = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const token = fencingTokenOf(request.headers) ?? 0n;
      if (token < last) return response.writeHead(412).end();
      last = token;
      httpValue = body;
      return response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  httpUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}/thing?secret=1`;
});
afterAll(async () => {
  redisClient.destroy();
  await postgresClient.end();
  http.close();
  http.closeAllConnections();
});

const benches: Readonly<Record<string, Bench>> = {
  'a Redis value': {
    store: () => redisValue(redisClient, 'fenced'),
    change: (text) => text,
    read: async () => ((await redisClient.sendCommand(['GET', 'fenced'])) as string | null) ?? undefined,
  },
  'an etcd value': {
    store: () => etcdValue(`${engines.etcd.url}#fenced`),
    change: (text) => text,
    read: async () => {
      const key = Buffer.from('fenced').toString('base64');
      const { kvs } = (await etcdCall(engines.etcd.url, '/v3/kv/range', { key })) as {
        kvs?: { value: string }[];
      };
      return kvs === undefined ? undefined : Buffer.from(kvs[0]?.value ?? '', 'base64').toString();
    },
  },
  'a row of a table': {
    store: () => sqlRow(postgresClient as never, { table: 'Odd "name', key: { id: 1 } }),
    change: (text) => ({ 'a "b': text }),
    read: async () => {
      const { rows } = await postgresClient.query(`SELECT "a ""b" AS text FROM "Odd ""name" WHERE id = 1`);
      return rows[0]?.['text'] as string | undefined;
    },
  },
  'an HTTP resource': {
    store: () => httpResource(httpUrl),
    change: (body) => ({ body }),
    read: () => Promise.resolve(httpValue),
  },
};

describe.each(Object.entries(benches))('%s', (name, { store, change, read }) => {
  test('takes writes of the latest holder and of no earlier one, also for tokens beyond 2^53', async () => {
    if (name === 'a row of a table') {
      await expect(fencedUpdate(holder(5n), store(), change('early') as never)).rejects.toMatchObject({
        code: 'HOLDFAST_IO',
      });
      await postgresClient.query(`INSERT INTO "Odd ""name" (id) VALUES (1)`);
    }
    const write = (token: bigint, text: string) =>
      fencedUpdate(holder(token), store(), change(text) as never);
    await write(9n, 'nine');
    await write(9n, 'nine again');
    expect(await read()).toBe('nine again');
    await expect(write(8n, 'eight')).rejects.toMatchObject({ code: 'HOLDFAST_LOST', lossReason: 'taken' });
    expect(await read()).toBe('nine again');
    // Ten is above nine, though not in the alphabet.
    await write(10n, 'ten');
    const [low, high] = [9_007_199_254_740_992n, 9_007_199_254_740_993n];
    await write(high, 'high');
    await expect(write(low, 'low')).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(await read()).toBe('high');
  });

  test('of many writers at once the highest token is what stays', async () => {
    const base = 2n ** 60n;
    const order = [3n, 7n, 1n, 8n, 5n, 2n, 6n, 4n];
    await Promise.allSettled(
      order.map((step) => fencedUpdate(holder(base + step), store(), change(`step ${step}`) as never)),
    );
    expect(await read()).toBe('step 8');
  });
});

test('a lock without a token cannot fence, and says how to get one', async () => {
  await expect(fencedUpdate(holder(undefined), redisValue(redisClient, 'x'), 'y')).rejects.toMatchObject({
    code: 'HOLDFAST_UNSUPPORTED',
  });
});

test('a message about a resource does not repeat its query', () => {
  expect(httpResource(httpUrl).name).not.toContain('secret');
});
