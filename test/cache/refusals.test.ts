import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { SharedCache } from '../../src/cache/shared-cache.js';
import { testDirectory } from '../support/directory.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const LIST = '["good"]\n';

const BAD_ANSWERS: [name: string, send: (response: ServerResponse) => void][] = [
  ['202, not yet', (response) => answer(response, 202, JSON_TYPE, '{}')],
  ['204, no content', (response) => answer(response, 204)],
  ['206, which nobody asked for', (response) => answer(response, 206, JSON_TYPE, '["go"]')],
  ['201, created', (response) => answer(response, 201, JSON_TYPE, '{}')],
  ['a login page', (response) => answer(response, 200, { 'content-type': 'text/html' }, '<html>Log in')],
  ['an empty body', (response) => answer(response, 200, JSON_TYPE)],
  ['cut JSON', (response) => answer(response, 200, JSON_TYPE, '["goo')],
  [
    'cut gzip',
    (response) => {
      const whole = gzipSync(JSON.stringify(Array.from({ length: 5_000 }, (_, n) => n * n)));
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(whole.subarray(0, 4_000));
    },
  ],
  [
    'an encoding that was not asked for',
    (response) => answer(response, 200, { ...JSON_TYPE, 'content-encoding': 'zstd' }, '["x"]'),
  ],
];

test.each(BAD_ANSWERS)('%s leaves the old payload in place, to the byte', async (_name, send) => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answer(response, 200, JSON_TYPE, LIST);
    else send(response);
  });
  const path = join(testDirectory(), 'list.json');
  const cache = new HttpCache(path, server.url, { format: 'auto', attempts: 1 });
  await cache.get();
  const before = readFileSync(path);
  await expect(cache.refresh()).rejects.toMatchObject({ code: 'HOLDFAST_NETWORK' });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('a text stays a text: a web page is refused, and a text that looks like a number is taken', async () => {
  const bodies = ['1.9\n', '1.10\n', '<html>'];
  const server = await faultServer((_, response, hit) => {
    const type = hit === 3 ? 'text/html' : 'text/plain';
    answer(response, 200, { 'content-type': type }, bodies[hit - 1]);
  });
  const cache = new HttpCache(join(testDirectory(), 'version'), server.url, { format: 'auto' });
  expect((await cache.get()).value).toBe('1.9\n');
  expect((await cache.refresh()).value).toBe('1.10\n');
  await expect(cache.refresh()).rejects.toThrow('the answer is not text/plain');
});

test('202 is asked again until the answer is ready', async () => {
  const server = await faultServer((_, response, hit) =>
    hit < 3 ? answer(response, 202, JSON_TYPE, '{}') : answerJson(response, { hit }),
  );
  const cache = new HttpCache(join(testDirectory(), 'f'), server.url, { firstRetryMs: 2 });
  expect((await cache.get()).value).toEqual({ hit: 3 });
});

test.each([
  ['a Map', new Map([[1, 2]]), 'Map'],
  ['a Set inside', { a: [new Set()] }, 'Set'],
  ['NaN', { n: Number.NaN }, 'NaN'],
  ['Infinity', [Infinity], 'Infinity'],
  ['bytes', { b: Buffer.from('x') }, 'Buffer'],
  ['a function', { f: () => 1 }, 'function'],
  ['undefined in a list', [undefined], 'undefined'],
])('a value that JSON would change is refused: %s', async (_name, value, word) => {
  const cache = new SharedCache<unknown>(join(testDirectory(), 'f'), { fetch: () => value });
  await expect(cache.get()).rejects.toThrow(word);
});

test('an undefined property is left out, and a date is its text', async () => {
  const at = new Date(0);
  const cache = new SharedCache<unknown>(join(testDirectory(), 'f'), { fetch: () => ({ at, x: undefined }) });
  expect((await cache.get()).value).toEqual({ at: at.toISOString() });
});
