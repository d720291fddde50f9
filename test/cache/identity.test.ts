import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { requestIdentity } from '../../src/cache/request-identity.js';
import { answer, answerJson, faultServer, type FaultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';

/** Says back what it was asked for, and for whom. */
function mirror(): Promise<FaultServer> {
  return faultServer((request, response) => {
    const { authorization = '', accept } = request.headers;
    const user = Buffer.from(authorization.split(' ')[1] ?? '', 'base64').toString();
    answerJson(response, { url: request.url, user, accept });
  });
}

const newPath = (): string => join(testDirectory(), 'list.json');

describe('INV-CACHE-6: a payload is given out to the request that fetched it only', () => {
  test('another URL gets its own, also when it waits behind the first', async () => {
    const server = await faultServer((request, response) => {
      setTimeout(() => answerJson(response, { url: request.url }), 100);
    });
    const path = newPath();
    const urls = ['a', 'b', 'a?token=1', 'a?token=2'];
    const values = await Promise.all(
      urls.map((name) => new HttpCache<{ url: string }>(path, server.url + name).get()),
    );
    expect(values.map(({ value }) => value.url)).toEqual(urls.map((name) => `/${name}`));
  });

  test('another user and another Accept header get their own', async () => {
    const { url } = await mirror();
    const path = newPath();
    const get = async (from: string, headers: Record<string, string> = {}): Promise<unknown> =>
      (await new HttpCache(path, from, { headers }).get()).value;
    const as = (user: string): string => url.replace('//', `//${user}:secret@`);
    expect(await get(as('ada'))).toMatchObject({ user: 'ada:secret' });
    expect(await get(as('bob'))).toMatchObject({ user: 'bob:secret' });
    expect(await get(url, { Accept: 'v1' })).toMatchObject({ accept: 'v1' });
    expect(await get(url, { Accept: 'v2' })).toMatchObject({ accept: 'v2' });
    expect(readFileSync(path, 'utf8')).not.toContain('secret');
  });

  test('without a network another URL gets an error, not the payload in the file', async () => {
    const server = await faultServer((request, response) => {
      if (request.url === '/a') answerJson(response, 'a');
      else response.destroy();
    });
    const path = newPath();
    await new HttpCache(path, `${server.url}a`).get();
    const other = new HttpCache(path, `${server.url}b`, { attempts: 1 });
    await expect(other.get()).rejects.toMatchObject({ code: 'HOLDFAST_NETWORK' });
  });

  test('a caller that wants text gets text where the file has JSON', async () => {
    const server = await faultServer((_, response) => answer(response, 200, {}, '1.10'));
    const path = newPath();
    expect((await new HttpCache(path, server.url).get()).value).toBe(1.1);
    expect((await new HttpCache(path, server.url, { format: 'text' }).get()).value).toBe('1.10');
  });

  test('callers of many kinds at once: each gets the answer to its own request', async () => {
    const { url } = await mirror();
    const caller = fc.record({
      path: fc.constantFrom('x', 'y', 'x?q=1'),
      user: fc.constantFrom('', 'ada', 'bob'),
      accept: fc.constantFrom('v1', 'v2'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(caller, { minLength: 2, maxLength: 8 }), async (callers) => {
        const file = newPath();
        const answers = await Promise.all(
          callers.map(({ path, user, accept }) => {
            const from = url.replace('//', user === '' ? '//' : `//${user}:p@`) + path;
            return new HttpCache(file, from, { headers: { accept } }).get();
          }),
        );
        expect(answers.map(({ value }) => value)).toEqual(
          callers.map(({ path, user, accept }) => ({
            url: `/${path}`,
            user: user === '' ? '' : `${user}:p`,
            accept,
          })),
        );
      }),
      { numRuns: 12, seed: 7 },
    );
  });

  test('the identity is that of the request: not of a fragment, a new password or the name of the client', () => {
    const url = 'https://ada:1@example.test/a?b';
    const same = [url.replace(':1@', ':2@'), `${url}#part`];
    for (const other of same) expect(requestIdentity(other, {})).toBe(requestIdentity(url, {}));
    expect(requestIdentity(url, { 'User-Agent': 'x' })).toBe(requestIdentity(url, {}));
    expect(requestIdentity(url, { 'X-Token': 'x' })).not.toBe(requestIdentity(url, {}));
  });
});

describe('a failure is shared only as far as it is the same', () => {
  test('a short timeout of one caller does not fail another', async () => {
    const server = await faultServer((_, response, hit) => {
      if (hit > 1) answerJson(response, { hit });
    });
    const path = newPath();
    const impatient = new HttpCache(path, server.url, { attempts: 1 }).get({ timeoutMs: 400 });
    const patient = new HttpCache(path, server.url).get({ timeoutMs: 60_000 });
    await expect(impatient).rejects.toMatchObject({ code: 'HOLDFAST_NETWORK' });
    expect((await patient).value).toEqual({ hit: 2 });
  });

  test('a refused password of one caller does not fail another', async () => {
    const right = `Basic ${Buffer.from('ada:right').toString('base64')}`;
    const server = await faultServer((request, response) => {
      const isRight = request.headers.authorization === right;
      setTimeout(() => (isRight ? answerJson(response, 1) : answer(response, 401)), 100);
    });
    const path = newPath();
    const as = (password: string): HttpCache<unknown> =>
      new HttpCache(path, server.url.replace('//', `//ada:${password}@`));
    const [wrong, known] = await Promise.allSettled([as('wrong').get(), as('right').get()]);
    expect(wrong.status).toBe('rejected');
    expect(known).toMatchObject({ status: 'fulfilled', value: { value: 1 } });
  });

  test('Retry-After of one URL does not silence another, and lasts minutes at most', async () => {
    const server = await faultServer((request, response) => {
      if (request.url === '/busy') answer(response, 503, { 'retry-after': '31536000' });
      else answerJson(response, 1);
    });
    const path = newPath();
    const busy = new HttpCache(path, `${server.url}busy`, { attempts: 1 });
    await expect(busy.get()).rejects.toThrow('503');
    expect((await new HttpCache(path, `${server.url}other`).get()).value).toBe(1);
    await expect(busy.get()).rejects.toThrow('503');
    await expect(busy.get()).rejects.toThrow(/Try again in (300|29\d) s/);
  });
});
