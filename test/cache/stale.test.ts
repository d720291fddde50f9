import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { testDirectory } from '../support/directory.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';

async function staleCache(options: { readonly failureTtlMs?: number } = {}) {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answerJson(response, 'old');
    else answer(response, 503);
  });
  const path = join(testDirectory(), 'f');
  const cache = new HttpCache(path, server.url, { ttlMs: 0, ...options });
  await cache.get();
  return { server, cache, path };
}

test('with an old payload in hand a dead server is asked once, and then not for a while', async () => {
  const { server, cache } = await staleCache();
  for (let call = 0; call < 5; call++) {
    const { value, isStale, refreshError } = await cache.get();
    expect([value, isStale]).toEqual(['old', true]);
    expect(refreshError).toMatchObject({ code: 'HOLDFAST_NETWORK' });
  }
  expect(server.requests).toHaveLength(2);
  await expect(cache.refresh({ timeoutMs: 1 })).rejects.toBeInstanceOf(Error);
});

test('failureTtlMs: 0 asks each time', async () => {
  const { server, cache } = await staleCache({ failureTtlMs: 0 });
  await cache.get();
  await cache.get();
  expect(server.requests).toHaveLength(3);
});

test('a refresh in the background keeps no process alive', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answerJson(response, 'old');
  });
  const path = join(testDirectory(), 'f');
  await new HttpCache(path, server.url).get();
  const program = `
    import { HttpCache } from 'holdfast/cache';
    const cache = new HttpCache(process.argv[1], process.argv[2], { ttlMs: 0, staleWhileRevalidateMs: 1e9 });
    console.log((await cache.get()).value);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path, server.url]);
  const exitCode = await new Promise((resolve) => child.once('exit', resolve));
  // The server never answers: only a process that did not wait for it is here.
  expect(exitCode).toBe(0);
});

test('close ends a refresh in the background', async () => {
  const server = await faultServer((request, response, hit) => {
    if (hit === 1) answerJson(response, 'old');
    else request.socket.once('close', () => closed());
  });
  let closed = (): void => undefined;
  const isClosed = new Promise<void>((resolve) => (closed = resolve));
  const path = join(testDirectory(), 'f');
  const asked = (): boolean => server.requests.length > 1;
  const cache = new HttpCache(path, server.url, { ttlMs: 0, staleWhileRevalidateMs: 1e9 });
  await cache.get();
  await cache.get();
  while (!asked()) await new Promise((resolve) => setImmediate(resolve));
  cache.close();
  await isClosed;
});
