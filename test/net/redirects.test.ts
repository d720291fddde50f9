import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { fetchBytes } from '../../src/net/fetch.js';
import { systemClock } from '../../src/platform/clock.js';
import { testDirectory } from '../support/directory.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';

const SECRETS = { 'private-token': 'hush', cookie: 'id=hush', authorization: 'Bearer hush' };

test("headers of the caller's own and credentials stay at their origin", async () => {
  const other = await faultServer((_, response) => answer(response, 200, {}, 'there'));
  const server = await faultServer((request, response) => {
    if (request.url === '/same') answer(response, 302, { location: '/last' });
    else if (request.url === '/last') answer(response, 302, { location: other.url });
    else answer(response, 200);
  });
  const { body } = await fetchBytes(`${server.url}same`, {
    clock: systemClock,
    headers: { ...SECRETS, accept: 'text/plain' },
  });
  expect(body.toString()).toBe('there');
  expect(server.requests[1]?.headers).toMatchObject(SECRETS);
  expect(JSON.stringify(other.requests[0]?.headers)).not.toContain('hush');
  expect(other.requests[0]?.headers.accept).toBe('text/plain');
});

test.each([
  ['a loop', '/', 'more than 10 redirects'],
  ['another protocol', 'file:///etc/passwd', 'which is no web address'],
  ['something that is no URL', 'http://[', 'no URL'],
])('a redirect to %s is refused at once', async (_name, location, fact) => {
  const server = await faultServer((_, response) => answer(response, 302, { location }));
  await expect(fetchBytes(server.url, { clock: systemClock })).rejects.toThrow(fact);
});

test('the tags of one target are not sent to another: a withdrawn version goes', async () => {
  let latest = '/3';
  const at = new Date('2026-03-03').toUTCString();
  const server = await faultServer((request, response) => {
    if (request.url === '/latest') answer(response, 302, { location: latest });
    else if (request.headers['if-modified-since'] !== undefined) answer(response, 304);
    else answerJson(response, request.url, { 'last-modified': at });
  });
  const cache = new HttpCache(join(testDirectory(), 'f'), `${server.url}latest`);
  expect((await cache.get()).value).toBe('/3');
  expect(await cache.refresh()).toMatchObject({ value: '/3', origin: 'unchanged' });
  latest = '/2';
  expect(await cache.refresh()).toMatchObject({ value: '/2', origin: 'fetch' });
});

test('a signed target is not written down', async () => {
  const server = await faultServer((request, response) => {
    if (request.url === '/latest') answer(response, 302, { location: '/file?signature=hush' });
    else answerJson(response, 1, { etag: '"1"' });
  });
  const path = join(testDirectory(), 'f');
  await new HttpCache(path, `${server.url}latest`).get();
  expect(readFileSync(path, 'utf8')).not.toContain('hush');
});

test.each([
  [301, 'target?a=b'],
  [302, '/target'],
  [303, './target'],
  [307, '//HOST/target'],
  [308, 'http://HOST/target#part'],
])('%i to %j is followed, the fragment and the body of the redirect left out', async (status, location) => {
  const server = await faultServer((request, response) => {
    if (request.url === '/') {
      const headers = { location: location.replace('HOST', String(request.headers.host)) };
      // It never ends: what it says does not matter.
      response.writeHead(status, headers).write('moved');
    } else answer(response, 200, {}, request.url);
  });
  const { body } = await fetchBytes(server.url, { clock: systemClock, attempts: 1 });
  expect(String(body)).toBe(location === 'target?a=b' ? '/target?a=b' : '/target');
});

test('a percent sign in a password stands for itself where nothing else fits', async () => {
  const server = await faultServer((request, response) =>
    answer(response, 200, {}, request.headers.authorization),
  );
  const { body } = await fetchBytes(server.url.replace('//', '//ada:5%25%zz@'), { clock: systemClock });
  expect(String(body)).toBe(`Basic ${Buffer.from('ada:5%25%zz').toString('base64')}`);
});
