import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { testDirectory } from '../support/directory.js';
import { answer, answerJson, faultServer, type Handler } from '../support/fault-server.js';

async function asked(handler: Handler) {
  const server = await faultServer(handler);
  return { server, cache: new HttpCache(join(testDirectory(), 'f'), server.url, { attempts: 1 }) };
}

test('a 304 with another ETag is about another payload: the whole of it is asked for', async () => {
  const { server, cache } = await asked((request, response, hit) => {
    if (request.headers['if-none-match'] !== undefined) answer(response, 304, { etag: '"other"' });
    else answerJson(response, hit, { etag: '"a"' });
  });
  await cache.refresh();
  expect(await cache.refresh()).toMatchObject({ value: 3, origin: 'fetch' });
  expect(server.requests[2]?.headers['if-none-match']).toBeUndefined();
});

test('a 304 may name the same tag as a weak one, and give a new date, which goes back the next time', async () => {
  const date = new Date(0).toUTCString();
  const { server, cache } = await asked((_, response, hit) => {
    if (hit === 1) answerJson(response, 1, { etag: '"a"' });
    else answer(response, 304, { etag: 'W/"a"', 'last-modified': date });
  });
  await cache.refresh();
  expect((await cache.refresh()).origin).toBe('unchanged');
  expect((await cache.refresh()).origin).toBe('unchanged');
  expect(server.requests[2]?.headers).toMatchObject({ 'if-none-match': 'W/"a"', 'if-modified-since': date });
});

test('a 304 without a stored payload, or from a URL that got no condition, is no answer', async () => {
  const first = await asked((_, response) => answer(response, 304));
  await expect(first.cache.get()).rejects.toThrow('the server answered 304');

  const moved = await asked((request, response, hit) => {
    if (request.url === '/new') return answer(response, 304);
    if (hit === 1) return answerJson(response, 1, { etag: '"a"' });
    answer(response, 302, { location: '/new' });
  });
  await moved.cache.refresh();
  await expect(moved.cache.refresh()).rejects.toThrow('the server answered 304');
  expect(moved.server.requests.filter(({ url }) => url === '/new')).toSatisfy(
    (requests: { headers: object }[]) => requests.every(({ headers }) => !('if-none-match' in headers)),
  );
});
