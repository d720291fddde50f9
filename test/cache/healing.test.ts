import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import type { CacheEvent } from '../../src/cache/events.js';
import { fencingTokenIn, HEADER_BYTES } from '../../src/cache/format.js';
import { freshnessOf } from '../../src/cache/freshness.js';
import { HttpCache } from '../../src/cache/http-cache.js';
import { SharedCache } from '../../src/cache/shared-cache.js';
import { createLock } from '../../src/locks/lock.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';
import { fullDisk } from '../support/full-disk.js';
import { testDirectory } from '../support/directory.js';

interface CacheFile {
  readonly schema: number;
  readonly generation: number;
  readonly length: number;
  readonly sha256: string;
  readonly data: unknown;
}

function parsed(path: string): CacheFile {
  return JSON.parse(readFileSync(path, 'utf8')) as CacheFile;
}

async function filledCache(): Promise<{ path: string; bytes: Buffer }> {
  const path = join(testDirectory(), 'value.json');
  await new SharedCache(path, { fetch: () => ({ list: ['a', 'ä'], n: 1 }) }).get();
  return { path, bytes: readFileSync(path) };
}

describe('the file', () => {
  test('is JSON with the payload under data, beside schema, generation, length and SHA-256 of its very bytes', async () => {
    const { path, bytes } = await filledCache();
    const file = parsed(path);
    expect(file).toMatchObject({ schema: 2, generation: 1, data: { list: ['a', 'ä'], n: 1 } });
    const data = '{"list":["a","ä"],"n":1}';
    expect(bytes.toString()).toContain(`"data":${data}\n}\n`);
    expect(file.length).toBe(Buffer.byteLength(data));
    expect(file.sha256).toBe(createHash('sha256').update(data).digest('hex'));
    expect(execFileSync('jq', ['-c', '.data', path]).toString()).toBe(`${data}\n`);
    expect(bytes.indexOf('\n') + 1).toBe(HEADER_BYTES);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

const FAULTS: [name: string, spoil: (bytes: Buffer) => Buffer | string][] = [
  ['empty', () => ''],
  ['cut in the first line', (bytes) => bytes.subarray(0, 50)],
  ['cut in the payload', (bytes) => bytes.subarray(0, -5)],
  ['with a byte more', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])],
  ['with a letter of the payload changed', (bytes) => bytes.toString().replace('"a"', '"b"')],
  [
    'with a letter of the second line changed',
    (bytes) => bytes.toString().replace('"format":"json"', '"format":"text"'),
  ],
  ['with another generation', (bytes) => bytes.toString().replace(/( {15})1/, '$19x')],
  ['no cache file at all', () => '{"some":"JSON"}'],
  ['binary', () => Buffer.alloc(5_000, 0xff)],
  ['of a newer schema', (bytes) => bytes.toString().replace('{"schema":2', '{"schema":3')],
];

describe.each(FAULTS)('a file that is %s', (_name, spoil) => {
  test('costs one refresh, and the answer is right', async () => {
    const { path, bytes } = await filledCache();
    writeFileSync(path, spoil(bytes));
    let fetches = 0;
    const events: CacheEvent[] = [];
    const cache = new SharedCache(path, {
      fetch: () => ({ n: ++fetches }),
      onEvent: (event) => events.push(event),
    });
    expect((await cache.get()).value).toEqual({ n: 1 });
    expect((await cache.get()).value).toEqual({ n: 1 });
    expect(fetches).toBe(1);
    expect(events[0]).toMatchObject({ type: 'miss', reason: 'broken' });
    expect(parsed(path).generation).toBeGreaterThan(1);
  });
});

test('every place at which a file can be cut is noticed', async () => {
  const { path, bytes } = await filledCache();
  const fetch = (): never => {
    throw new Error('asked');
  };
  for (let size = 0; size < bytes.length; size += 7) {
    writeFileSync(path, bytes);
    truncateSync(path, size);
    await expect(new SharedCache(path, { fetch }).get()).rejects.toThrow('asked');
  }
  writeFileSync(path, bytes);
  expect((await new SharedCache(path, { fetch }).get()).generation).toBe(1);
});

test('without a network the old generation is served and said to be stale', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answerJson(response, { n: 1 });
    else response.destroy();
  });
  const path = join(testDirectory(), 'list.json');
  await new HttpCache(path, server.url).get();
  const events: CacheEvent[] = [];
  const { url } = server;
  const options = {
    ttlMs: 0,
    attempts: 2,
    firstRetryMs: 2,
    onEvent: (event: CacheEvent) => events.push(event),
  };
  const cache = new HttpCache(path, url, options);
  const result = await cache.get();
  expect(result).toMatchObject({ value: { n: 1 }, isStale: true, generation: 1 });
  expect(result.refreshError).toMatchObject({ code: 'HOLDFAST_NETWORK' });
  expect(events.map(({ type }) => type)).toEqual(['miss', 'refresh-started', 'refresh-failed']);
  await expect(cache.refresh()).rejects.toMatchObject({ code: 'HOLDFAST_NETWORK' });
  expect(parsed(path).generation).toBe(1);
});

test('a fetch in the future counts as stale, and an infinite TTL never does', () => {
  const meta = {
    format: 'json',
    fetchedAtMs: 2_000,
    fetch: { bootId: undefined, beganMs: 0, endedMs: 0 },
  } as const;
  expect(freshnessOf(meta, 1_000, 1_999).isStale).toBe(true);
  expect(freshnessOf(meta, 1_000, 2_999).isStale).toBe(false);
  expect(freshnessOf(meta, 1_000, 3_000).isStale).toBe(true);
  expect(freshnessOf({ ...meta, ttlMs: null }, undefined, 1e15).isStale).toBe(false);
});

describe('what the source delivers', () => {
  test('is refused when it does not fit the schema, and the old payload stays', async () => {
    const { path, bytes } = await filledCache();
    const schema = v.object({ n: v.pipe(v.number(), v.maxValue(1)) });
    const cache = new SharedCache<{ n: number }>(path, { schema, ttlMs: 0, fetch: () => ({ n: 2 }) });
    const { value, refreshError } = await cache.get();
    expect(value).toEqual({ n: 1 });
    expect(refreshError).toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('is refused when it is no JSON: a login page with status 200', async () => {
    const server = await faultServer((_, response) =>
      answer(response, 200, { 'content-type': 'text/html' }, '<html>'),
    );
    const cache = new HttpCache(join(testDirectory(), 'f'), server.url);
    await expect(cache.get()).rejects.toThrow(/the answer is not JSON: it has the content type text\/html/);
  });

  test('may be text or bytes, and comes back as it was', async () => {
    const binary = Buffer.from([0, 255, 128, 10]);
    const server = await faultServer((request, response) => {
      response.end(request.url === '/text' ? 'ä\nb\n' : binary);
    });
    const text = new HttpCache(join(testDirectory(), 't'), `${server.url}text`, { format: 'auto' });
    expect((await text.get()).value).toBe('ä\nb\n');
    const bytes = new HttpCache<Buffer>(join(testDirectory(), 'b'), `${server.url}bytes`, { format: 'auto' });
    expect(Buffer.compare((await bytes.get()).value, binary)).toBe(0);
  });

  test('stays to the letter: large numbers and the order of keys survive', async () => {
    const body = '{"b":12345678901234567890,"a":1.10}';
    const server = await faultServer((_, response) =>
      answer(response, 200, { 'content-type': 'application/json' }, body),
    );
    const path = join(testDirectory(), 'f');
    await new HttpCache(path, server.url).get();
    expect(readFileSync(path, 'utf8')).toContain(`"data":${body}\n`);
  });
});

test('ETag and Last-Modified are sent back, and 304 keeps the payload and makes it fresh', async () => {
  const server = await faultServer((request, response) => {
    if (request.headers['if-none-match'] === '"v1"') answer(response, 304);
    else answerJson(response, { n: 1 }, { etag: '"v1"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' });
  });
  const path = join(testDirectory(), 'list.json');
  const cache = new HttpCache(path, server.url);
  const first = await cache.get();
  const second = await cache.refresh();
  expect(second).toMatchObject({ value: { n: 1 }, generation: 2, origin: 'unchanged', isStale: false });
  expect(second.value).toBe(first.value);
  expect(server.requests[1]?.headers['if-modified-since']).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
  // The payload of another URL is no base for a condition, and is not fresh for this one.
  const other = new HttpCache(path, `${server.url}?page=2`);
  expect(await other.get()).toMatchObject({ generation: 3, origin: 'fetch' });
  expect(server.requests[2]?.headers['if-none-match']).toBeUndefined();
});

test('the parsed value is shared while the file is unchanged, and frozen to its depth', async () => {
  const { path, bytes } = await filledCache();
  const cache = new SharedCache<{ list: string[] }>(path, { fetch: () => ({ list: [] }) });
  const { value } = await cache.get();
  expect((await cache.get()).value).toBe(value);
  expect(() => value.list.push('x')).toThrow(TypeError);
  // Another version of the same size, written within the same moment, is seen.
  const other = new SharedCache<{ list: string[] }>(path, { fetch: () => ({ list: ['b', 'ä'], n: 1 }) });
  await other.refresh();
  expect(statSync(path).size).toBeGreaterThan(bytes.length - 20);
  expect((await cache.get()).value.list).toEqual(['b', 'ä']);
});

test('a full disk: the refresh fails, the old payload stays, the next one succeeds', async () => {
  const { directory } = fullDisk(64);
  const path = join(directory, 'value.json');
  let size = 10;
  const cache = new SharedCache<string>(path, { ttlMs: 0, fetch: () => 'x'.repeat(size) });
  await cache.get();
  size = 100_000;
  await expect(cache.refresh()).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
  expect(await cache.get()).toMatchObject({ value: 'x'.repeat(10), generation: 1, isStale: true });
  size = 20;
  expect(await cache.get()).toMatchObject({ value: 'x'.repeat(20), generation: 2 });
});

test('a refresh under an older fencing token changes no byte', async () => {
  const path = join(testDirectory(), 'value.json');
  const cache = new SharedCache(path, { fetch: () => 1, lock: createLock('memory:#cache-fencing') });
  await cache.get();
  const newer = readFileSync(path);
  expect(fencingTokenIn(newer)).toBeGreaterThan(0n);
  const unfenced = new SharedCache(path, { fetch: () => 2 });
  await expect(unfenced.refresh()).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
  expect(readFileSync(path).equals(newer)).toBe(true);
  await cache.refresh();
});

test('a mode that was widened for other readers is kept', async () => {
  const { path } = await filledCache();
  chmodSync(path, 0o644);
  await new SharedCache(path, { fetch: () => 1 }).refresh();
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

test('a source that does not listen to its signal does not hold the lock beyond the deadline', async () => {
  const path = join(testDirectory(), 'value.json');
  const deaf = new SharedCache(path, { fetch: () => new Promise<number>(() => undefined), timeoutMs: 200 });
  await expect(deaf.get()).rejects.toThrow(/its source timed out: .* timeout 200 ms \(timeoutMs\)/);
  expect((await new SharedCache(path, { fetch: () => 5 }).get()).value).toBe(5);
});
