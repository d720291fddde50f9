import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { HttpCache } from '../../../src/cache/http-cache.js';
import type { HttpCacheOptions } from '../../../src/cache/http-options.js';
import { isLockError } from '../../../src/core/errors.js';
import { NetworkFailure } from '../../../src/net/network-failure.js';
import { testDirectory } from '../../support/directory.js';
import { applicableTests, runSuite, startOrigin, type Origin, type Subject } from './suite.js';

interface Differences {
  readonly [call: string]: readonly { readonly because: string; readonly tests: readonly string[] }[];
}

/** The tests of the suite that find something else than they expect, by call, each with the reason why that is right. */
const DIFFERENCES = JSON.parse(
  readFileSync(join(import.meta.dirname, 'differences.json'), 'utf8'),
) as Differences;

/** A new cache for each request: all that it knows is in the file. */
function subjectOf(origin: Origin, call: 'get' | 'refresh', options: HttpCacheOptions<string>): Subject {
  const directory = testDirectory();
  const storedBy = new Map<string, number>();
  return async ({ url, number, headers }) => {
    const path = join(directory, Buffer.from(url).toString('base64url'));
    const cache = new HttpCache<string>(path, url, { ...options, headers, format: 'text', attempts: 1 });
    try {
      const { value, origin: by } = await cache[call]();
      if (by === 'fetch') storedBy.set(url, number);
      const answer = origin.answer(url, storedBy.get(url) ?? 0);
      return { ...answer, text: () => Promise.resolve(value) };
    } catch (error) {
      const isOfServer = isLockError(error) && error.cause instanceof NetworkFailure;
      if (!isOfServer) throw error;
      return origin.answer(url, number);
    }
  };
}

test.each<[name: string, call: 'get' | 'refresh', options: HttpCacheOptions<string>]>([
  ["get with ttlMs 'server'", 'get', { ttlMs: 'server' }],
  ['get', 'get', {}],
  ['refresh', 'refresh', {}],
])('%s does as the suite expects, but for the listed differences', async (name, call, options) => {
  const origin = await startOrigin();
  onTestFinished(() => origin.close());
  // A refresh is a request that is not answered from the cache.
  const tests = applicableTests().filter(
    ({ requests }) => call === 'get' || requests.every(({ expected_type: type }) => type !== 'cached'),
  );
  const found = await runSuite(tests, origin, subjectOf(origin, call, options));
  const listed = (DIFFERENCES[name] ?? []).flatMap(({ tests: ids }) => ids);
  expect(tests.length).toBeGreaterThan(90);
  expect(
    Object.fromEntries([...found].filter(([id, fact]) => fact !== undefined && !listed.includes(id))),
  ).toEqual({});
  // A difference that is none any more is to leave the list.
  expect(listed.filter((id) => found.get(id) === undefined)).toEqual([]);
});
