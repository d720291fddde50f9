import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import type { HttpCacheOptions } from '../../src/cache/http-options.js';
import { testDirectory } from '../support/directory.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';

const HOUR = 3_600_000;

function cacheOf(url: string, options: HttpCacheOptions<unknown> = { ttlMs: 'server' }): HttpCache<unknown> {
  return new HttpCache(join(testDirectory(), 'f'), url, { attempts: 1, ...options });
}

test.each<[headers: Record<string, string>, isFreshAfter: boolean]>([
  [{ 'cache-control': 'max-age=3600' }, true],
  [{ 'cache-control': 'Max-Age=3600' }, true],
  [{ 'cache-control': 'max-age=3600', age: '3600' }, false],
  [{ 'cache-control': 'max-age=3600', age: 'abc' }, false],
  [{ 'cache-control': 'max-age=3600', age: '-5' }, false],
  [{ 'cache-control': 's-maxage=0, max-age=3600' }, true],
  [{ 'cache-control': 'max-age=0, stale-if-error=3600, stale-while-revalidate=3600' }, false],
  [{ 'cache-control': 'no-cache' }, false],
  [{ 'cache-control': 'max-age=3600, No-Cache' }, false],
  [{ 'cache-control': 'no-store' }, false],
  [{ 'cache-control': 'max-age=3600, NO-STORE' }, false],
  [{ expires: new Date(Date.now() + HOUR).toUTCString() }, true],
  // The lifetime is counted between the server's own two dates, whatever its clock says.
  [
    {
      date: new Date(Date.now() - 48 * HOUR).toUTCString(),
      expires: new Date(Date.now() - 47 * HOUR).toUTCString(),
    },
    true,
  ],
  [{ expires: '0', 'cache-control': 'public' }, false],
  [{ vary: '*', 'cache-control': 'max-age=3600' }, false],
  [{ vary: 'accept, *', 'cache-control': 'max-age=3600' }, false],
  [{}, false],
])('ttlMs server: after %j the payload is fresh: %s', async (headers, isFreshAfter) => {
  const server = await faultServer((_, response, hit) => {
    response.sendDate = false;
    answerJson(response, hit, headers);
  });
  const cache = cacheOf(server.url);
  expect((await cache.get()).value).toBe(1);
  expect((await cache.get()).value).toBe(isFreshAfter ? 1 : 2);
});

test('no-store in any case is not written to the disk', async () => {
  const server = await faultServer((_, response) =>
    answerJson(response, 'secret', { 'cache-control': 'max-age=3600, No-Store' }),
  );
  const cache = cacheOf(server.url);
  expect((await cache.get()).value).toBe('secret');
  expect(() => readFileSync(cache.path)).toThrow('ENOENT');
});

test('no-store over an old payload: it goes to its caller, the old one stays, an old failure is forgotten', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answerJson(response, hit, { 'cache-control': 'max-age=0' });
    else if (hit === 2) answer(response, 503);
    else answerJson(response, hit, { 'cache-control': 'no-store' });
  });
  const cache = cacheOf(server.url);
  await cache.get();
  expect(await cache.get()).toMatchObject({ value: 1, isStale: true });
  expect((await cache.refresh()).value).toBe(3);
  // Not within the failure's half a minute: the server has answered since.
  expect((await cache.get()).value).toBe(4);
  expect(JSON.parse(readFileSync(cache.path, 'utf8'))).toMatchObject({ data: 1 });
});

test('a 304 that says nothing about freshness confirms what was said before', async () => {
  const server = await faultServer((request, response, hit) => {
    if (hit === 1) answerJson(response, 1, { etag: '"a"', 'cache-control': 'max-age=3600', age: '3599' });
    else answer(response, request.headers['if-none-match'] === '"a"' ? 304 : 500, {});
  });
  const cache = cacheOf(server.url);
  await cache.refresh();
  expect((await cache.refresh()).origin).toBe('unchanged');
  expect(await cache.get()).toMatchObject({ value: 1, isStale: false, origin: 'file' });
});

test('must-revalidate: an old payload is not served in place of an error', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answerJson(response, 1, { 'cache-control': 'max-age=0, Must-Revalidate' });
    else answer(response, 404);
  });
  const cache = cacheOf(server.url);
  await cache.get();
  await expect(cache.get()).rejects.toThrow('404');
});

test("the rule is the file's: a caller without one of its own goes on by the headers", async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit <= 2)
      answerJson(response, hit, { 'cache-control': `max-age=${hit === 1 ? 0 : 3600}, must-revalidate` });
    else answer(response, 404);
  });
  const first = cacheOf(server.url);
  await first.refresh();
  const cache = new HttpCache(first.path, server.url, { attempts: 1 });
  expect(await cache.get()).toMatchObject({ value: 2, isStale: false });
  expect(await cache.get()).toMatchObject({ value: 2, origin: 'file' });
  expect(server.requests).toHaveLength(2);
});
