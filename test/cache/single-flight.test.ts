import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HttpCache } from '../../src/cache/http-cache.js';
import { SharedCache } from '../../src/cache/shared-cache.js';
import type { CacheEvent } from '../../src/cache/events.js';
import { answer, answerJson, faultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const REFRESHER = new URL('fixtures/refresher.mjs', import.meta.url).pathname;

interface Outcome {
  readonly value?: unknown;
  readonly generation?: number;
  readonly origin?: string;
  readonly message?: string;
  readonly code?: string;
}

/** So many processes that all ask at once. */
async function askAtOnce(count: number, path: string, url: string, method: string): Promise<Outcome[]> {
  const children = Array.from({ length: count }, () =>
    start(process.execPath, [REFRESHER, path, url, method]),
  );
  for (const child of children) await child.line(/^ready$/);
  for (const child of children) child.process.stdin?.write('go\n');
  const outcomes = children.map(async (child) => {
    const { stdout } = await child.exited;
    return JSON.parse(stdout.split('\n')[1] as string) as Outcome;
  });
  return Promise.all(outcomes);
}

test.each(['get', 'refresh'])(
  'six processes ask for what is not there (%s): the server is asked once',
  async (method) => {
    const server = await faultServer((_, response, hit) => {
      setTimeout(() => answerJson(response, { hit }), 300);
    });
    const path = join(testDirectory(), 'list.json');
    const outcomes = await askAtOnce(6, path, server.url, method);
    expect(server.requests).toHaveLength(1);
    expect(outcomes.map(({ value }) => value)).toEqual(Array.from({ length: 6 }, () => ({ hit: 1 })));
    expect(outcomes.map(({ origin }) => origin).toSorted()).toEqual([
      'fetch',
      'other',
      'other',
      'other',
      'other',
      'other',
    ]);
  },
);

test('a fetch that fails is not repeated by those who were queued behind it; the next one asks again', async () => {
  const server = await faultServer((_, response, hit) => {
    setTimeout(() => (hit === 1 ? answer(response, 404) : answerJson(response, { hit })), 300);
  });
  const path = join(testDirectory(), 'list.json');
  const outcomes = await askAtOnce(4, path, server.url, 'get');
  expect(server.requests).toHaveLength(1);
  expect(outcomes.every(({ code }) => code === 'HOLDFAST_NETWORK')).toBe(true);
  const adopted = outcomes.filter(({ message }) => message?.includes('another refresh has just failed'));
  expect(adopted).toHaveLength(3);
  expect(existsSync(`${path}.failed`)).toBe(true);
  const { value } = await new HttpCache(path, server.url).get();
  expect(value).toEqual({ hit: 2 });
  expect(existsSync(`${path}.failed`)).toBe(false);
});

test('the server asked to be left alone: nobody asks before its time, unless forced', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answer(response, 503, { 'retry-after': '60' });
    else answerJson(response, { hit });
  });
  const path = join(testDirectory(), 'list.json');
  const cache = new HttpCache(path, server.url, { attempts: 1 });
  await expect(cache.get()).rejects.toMatchObject({ code: 'HOLDFAST_NETWORK' });
  await expect(cache.get()).rejects.toThrow(/another refresh has just failed: .*503.*Try again in (59|60) s/);
  expect(server.requests).toHaveLength(1);
  expect((await cache.refresh()).value).toEqual({ hit: 2 });
});

test('a forced refresh does not take a fetch that had begun before it was called', async () => {
  const path = join(testDirectory(), 'value.json');
  const gates: (() => void)[] = [];
  let fetches = 0;
  const fetch = async (): Promise<number> => {
    const number = ++fetches;
    await new Promise<void>((resolve) => gates.push(resolve));
    return number;
  };
  const cache = new SharedCache<number>(path, { fetch });
  const early = cache.refresh();
  await expect.poll(() => gates.length).toBe(1);
  const forced = cache.refresh();
  const content = cache.refresh({ accept: 'completed-since' });
  await new Promise((resolve) => setTimeout(resolve, 30));
  gates[0]?.();
  expect((await early).value).toBe(1);
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.();
  expect(await forced).toMatchObject({ value: 2, origin: 'fetch' });
  // It was called before the second fetch began, and is content with either.
  expect((await content).origin).toBe('other');
  expect(fetches).toBe(2);
});

test('stale while revalidate: served at once, one refresh in the background', async () => {
  const path = join(testDirectory(), 'value.json');
  let fetches = 0;
  const events: CacheEvent[] = [];
  const cache = new SharedCache<number>(path, {
    ttlMs: 0,
    staleWhileRevalidateMs: 60_000,
    fetch: () => ++fetches,
    onEvent: (event) => events.push(event),
  });
  await cache.get();
  const many = await Promise.all(Array.from({ length: 20 }, () => cache.get()));
  expect(many.every(({ value, isStale }) => value === 1 && isStale)).toBe(true);
  await expect.poll(() => events.filter(({ type }) => type === 'refreshed').length).toBe(2);
  expect(fetches).toBe(2);
  expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['miss', 'refresh-started', 'refreshed']);
});
