import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';

import { systemClock } from '../../src/platform/clock.js';
import { fetchBytes, fetchRetrying, type FetchOptions, type RetryEvent } from '../../src/net/fetch.js';
import type { Progress } from '../../src/net/attempt.js';
import { retryAfterMs } from '../../src/net/retry-after.js';
import { displayUrl } from '../../src/net/url.js';
import { answer, closedPort, faultServer } from '../support/fault-server.js';
import { quiescentMs } from '../support/time.js';

/** Short waits, so that four attempts fit into a test. */
function options(more: Partial<FetchOptions> = {}): FetchOptions {
  return { clock: systemClock, firstRetryMs: 20, ...more };
}

async function failureOf(
  work: Promise<unknown>,
): Promise<Error & { code: string; cause: { kind?: string } }> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as Error & { code: string; cause: { kind?: string } };
}

test('503 twice, then 200: tried again, and told', async () => {
  const server = await faultServer((_, response, hit) => answer(response, hit < 3 ? 503 : 200, {}, 'yes'));
  const retries: RetryEvent[] = [];
  const { body } = await fetchBytes(server.url, options({ onRetry: (event) => retries.push(event) }));
  expect(body.toString()).toBe('yes');
  expect(server.requests).toHaveLength(3);
  expect(retries.map(({ attempt, failure }) => [attempt, failure.status])).toEqual([
    [1, 503],
    [2, 503],
  ]);
});

test.each([408, 425, 429, 500, 502, 503, 504])('%i is tried four times', async (status) => {
  const server = await faultServer((_, response) => answer(response, status));
  const error = await failureOf(fetchBytes(server.url, options({ firstRetryMs: 2 })));
  expect(error.code).toBe('HOLDFAST_NETWORK');
  expect(error.message).toMatch(
    new RegExp(`the server answered ${status} .*\\(tried 4 times\\). Try again later\\.$`),
  );
  expect(server.requests).toHaveLength(4);
});

test.each([400, 401, 403, 404, 410, 501, 505])('%i is not tried again', async (status) => {
  const server = await faultServer((_, response) => answer(response, status));
  const error = await failureOf(fetchBytes(server.url, options()));
  expect(error.message).toMatch(new RegExp(`the server answered ${status} .*asking again would not help`));
  expect(server.requests).toHaveLength(1);
});

test('silence counts as failed after the idle timeout, and is tried again', async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit > 1) answer(response, 200, {}, 'late');
  });
  // Long enough for the second answer to be within it on a slow machine, too.
  const { body } = await fetchBytes(server.url, options({ idleTimeoutMs: 4 * quiescentMs }));
  expect(body.toString()).toBe('late');
});

test('a server that hangs: the deadline ends it, and the message names its value and source', async () => {
  const server = await faultServer(() => undefined);
  const error = await failureOf(
    fetchBytes(server.url, options({ timeoutMs: 300, timeoutSource: '--timeout' })),
  );
  expect(error.message).toContain('it timed out: no complete answer within the timeout 300 ms (--timeout)');
  expect(error.cause.kind).toBe('timeout');
});

test('a trickle is not silence: only the deadline ends it', async () => {
  const server = await faultServer((_, response) => {
    const timer = setInterval(() => response.write('.'), 30);
    response.on('close', () => clearInterval(timer));
  });
  const error = await failureOf(fetchBytes(server.url, options({ idleTimeoutMs: 200, timeoutMs: 600 })));
  expect(error.cause.kind).toBe('timeout');
  expect(server.requests).toHaveLength(1);
});

describe('a body that is cut short', () => {
  test('with a length: refused, with both numbers, after four tries', async () => {
    const server = await faultServer((_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('12345');
      setTimeout(() => response.destroy(), 20);
    });
    const error = await failureOf(fetchBytes(server.url, options()));
    expect(error.message).toContain(
      'the body was cut short after 5 of 1000 bytes and was refused (tried 4 times)',
    );
    expect(server.requests).toHaveLength(4);
  });

  test('in chunks: the same, and a later whole one is taken', async () => {
    const server = await faultServer((_, response, hit) => {
      response.writeHead(200).write('12345');
      if (hit === 1) setTimeout(() => response.destroy(), 20);
      else response.end('678');
    });
    expect((await fetchBytes(server.url, options())).body.toString()).toBe('12345678');
  });
});

describe('Retry-After', () => {
  test('is waited for', async () => {
    const server = await faultServer((_, response, hit) =>
      answer(response, hit === 1 ? 429 : 200, { 'retry-after': '1' }),
    );
    const startedAt = systemClock.now();
    await fetchBytes(server.url, options());
    expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(1_000);
  });

  test('beyond the deadline fails at once, and says why', async () => {
    const server = await faultServer((_, response) => answer(response, 503, { 'retry-after': '3600' }));
    const error = await failureOf(fetchBytes(server.url, options({ timeoutMs: 5_000 })));
    expect(error.message).toMatch(/the next try in 1 h would come after the timeout 5 s \(default\)/);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['120', 120_000],
    ['0', 0],
    ['Tue, 14 Nov 2023 22:13:50 GMT', 30_000],
    ['Tue, 14 Nov 2023 22:00:00 GMT', 0],
    ['soon', undefined],
    ['-3', undefined],
    ['5.5', undefined],
    ['', undefined],
    [null, undefined],
  ])('%s reads as %s', (header, expected) => {
    expect(retryAfterMs(header, 1_700_000_000_000)).toBe(expected);
  });
});

describe('size', () => {
  test('a body that says it is too large is not read', async () => {
    const server = await faultServer((_, response) => answer(response, 200, {}, 'x'.repeat(5_000)));
    const error = await failureOf(fetchBytes(server.url, options({ maxSizeBytes: 4_999 })));
    expect(error.message).toContain('the body has 5000 bytes or more, and the limit is 4999');
    expect(server.requests).toHaveLength(1);
  });

  test('a compressed body is measured unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const server = await faultServer((_, response) => {
      response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(bomb.length) })
        .end(bomb);
    });
    const error = await failureOf(fetchBytes(server.url, options({ maxSizeBytes: 1_000_000 })));
    expect(error.cause.kind).toBe('too-large');
    expect((await fetchBytes(server.url, options())).body).toHaveLength(10_000_000);
  });
});

test('progress counts up to the whole', async () => {
  const server = await faultServer((_, response) =>
    answer(response, 200, { 'content-length': '200000' }, 'x'.repeat(200_000)),
  );
  const steps: Progress[] = [];
  await fetchBytes(server.url, options({ onProgress: (progress) => steps.push(progress) }));
  expect(steps.at(-1)).toEqual({ receivedBytes: 200_000, totalBytes: 200_000 });
});

test('nobody listening is tried again; a name that does not exist is not', async () => {
  const refused: RetryEvent[] = [];
  const onRetry = (event: RetryEvent): unknown => refused.push(event);
  const error = await failureOf(fetchBytes(await closedPort(), options({ firstRetryMs: 2, onRetry })));
  expect(error.message).toContain('the server cannot be reached (ECONNREFUSED) (tried 4 times)');
  expect(refused).toHaveLength(3);
  const unknown: RetryEvent[] = [];
  const unresolved = options({ firstRetryMs: 2, onRetry: (event) => unknown.push(event) });
  await failureOf(fetchBytes('http://does-not-exist.invalid/', unresolved));
  expect(unknown.every(({ failure }) => !failure.message.includes('ENOTFOUND'))).toBe(true);
});

test("the caller's signal ends an attempt and a wait, with its own reason", async () => {
  const server = await faultServer((_, response, hit) => {
    if (hit === 1) answer(response, 503);
  });
  const controller = new AbortController();
  const work = fetchBytes(server.url, options({ signal: controller.signal, firstRetryMs: 10_000 }));
  setTimeout(() => controller.abort(new Error('enough')), 100);
  await expect(work).rejects.toThrow('enough');
});

test('what the consumer throws is not a failure of the network', async () => {
  const server = await faultServer((_, response) => answer(response, 200, {}, 'x'));
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  await expect(fetchRetrying(server.url, options(), () => Promise.reject(full))).rejects.toBe(full);
  expect(server.requests).toHaveLength(1);
});

test('credentials in the URL travel as a header and are in no message', async () => {
  const server = await faultServer((_, response) => answer(response, 404));
  const url = server.url.replace('http://', 'http://us%40er:se%3Acret@') + 'list?token=hush#frag';
  const error = await failureOf(fetchBytes(url, options()));
  const sent = Buffer.from(String(server.requests[0]?.headers.authorization).slice(6), 'base64').toString();
  expect(sent).toBe('us@er:se:cret');
  expect(error.message).not.toMatch(/us@er|us%40er|secret|se%3A|hush/);
  expect(displayUrl(url)).toBe(`${server.url}list`);
});
