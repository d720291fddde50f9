import { describe, expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { BUCKET_STORE_MODES, type BucketStoreMode } from '../../../src/testing/bucket-store-modes.js';
import type { BucketFault, BucketRequest } from '../../../src/testing/bucket-store.js';
import { testBucket, type TestBucket } from '../../support/bucket.js';
import { eventually } from '../../support/processes.js';
import { machineUnit, quiescentMs } from '../../support/time.js';

/** `racy` is none, but only a race shows it: see verify.test.ts. */
const LIARS: readonly BucketStoreMode[] = [
  'ignores-match',
  'ignores-create',
  'ignores-all',
  'quorum-lost',
  'inverted',
];
const MODES = Object.keys(BUCKET_STORE_MODES) as BucketStoreMode[];
const FIT = MODES.filter((mode) => !LIARS.includes(mode));
/** The ways in which they differ about a renewal. */
const RENEWED: readonly BucketStoreMode[] = ['aws', 'stale-reads', 'ceph-rgw', 'slow-writes'];
/** Each answer of theirs shows something; the others want more than one try. */
const PLAIN = MODES.filter((mode) => mode !== 'inverted' && mode !== 'slow-writes');

describe('the proof before the first claim', () => {
  test.each(FIT)('%s is fit', async (mode) => {
    const bucket = await testBucket({ mode });
    const guard = await acquire(bucket.at('x'), { leaseDurationMs: 1_000 * machineUnit });
    expect(await tryAcquire(bucket.elsewhere('x'))).toBeUndefined();
    if (RENEWED.includes(mode)) await eventually('renewed', () => Number(bucket.state('x')?.['beat']) >= 2);
    await guard.release();
    // Also where a probe of an earlier time lies.
    await (await acquire(bucket.elsewhere('x'))).release();
  });

  test.each(LIARS)('%s is refused, and nothing is locked', async (mode) => {
    const bucket = await testBucket({ mode });
    const failure = await acquire(bucket.at('x')).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
    expect((failure as Error).message).toContain('ignores conditions');
    expect(bucket.state('x')).toBeUndefined();
  });

  test.each(PLAIN)('%s: at most four requests, a second probe of the same object included', async (mode) => {
    const bucket = await testBucket({ mode });
    const count = (): number => Object.values(bucket.requests).reduce((sum, one) => sum + one, 0);
    const used = FIT.includes(mode) ? 3 : 0;
    await acquire(bucket.at('x')).then(
      (guard) => guard.release(),
      () => undefined,
    );
    expect(count() - used).toBeLessThanOrEqual(4);
  });

  test.each<[string, BucketFault]>([
    ['503', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['429', { kind: 'status', status: 429, code: 'TooManyRequests' }],
  ])('%s for any one of its writes proves nothing', async (_name, fault) => {
    for (const nth of [1, 2, 3, 4]) {
      const bucket = await testBucket({ mode: nth < 3 ? 'ignores-create' : 'ignores-match' });
      let writes = 0;
      bucket.setFault(({ method }) => (method === 'PUT' && ++writes === nth ? fault : undefined));
      await expect(acquire(bucket.at('x'))).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
    }
  });

  test('probers of many processes at once do not condemn a fit store', async () => {
    const bucket = await testBucket();
    const endpoints = Array.from(
      { length: 8 },
      (_, n) => `${bucket.at('x').replace('#x', `&region=r${n}#x${n}`)}`,
    );
    const guards = await Promise.all(endpoints.map((address) => acquire(address)));
    await Promise.all(guards.map((guard) => guard.release()));
  });
});

/** The first write to the lock's object meets `fault`. */
function onFirstWrite(bucket: TestBucket, fault: BucketFault): () => number {
  let met = 0;
  bucket.setFault(({ method, key }: BucketRequest) => {
    if (method !== 'PUT' || key !== 'locks/x' || met > 0) return undefined;
    met++;
    return fault;
  });
  return () => met;
}

describe('INV-REGISTER-3, INV-REGISTER-4: a claim whose answer is not the usual one', () => {
  const proven = async (): Promise<TestBucket> => {
    const bucket = await testBucket();
    await (await acquire(bucket.at('y'))).release();
    return bucket;
  };

  test('that landed although its reply was lost is held, with no second write', async () => {
    const bucket = await proven();
    const met = onFirstWrite(bucket, { kind: 'lose-reply' });
    const guard = await acquire(bucket.at('x'));
    expect(met()).toBe(1);
    expect(bucket.state('x')).toMatchObject({ state: 'held', holder: guard.holderId, beat: 0 });
    await guard.release();
    expect(bucket.state('x')).toMatchObject({ state: 'free' });
  });

  test.each<[string, BucketFault]>([
    ['a broken connection', { kind: 'drop' }],
    ['503 SlowDown', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['500 InternalError', { kind: 'status', status: 500, code: 'InternalError' }],
  ])('%s: the try fails, and the claim can never stand', async (_name, fault) => {
    const bucket = await proven();
    onFirstWrite(bucket, fault);
    await expect(tryAcquire(bucket.at('x'))).rejects.toMatchObject({ code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
    expect(bucket.state('x')).toMatchObject({ state: 'free' });
    await (await acquire(bucket.at('x'))).release();
  });

  test('one that arrives late finds its place taken', async () => {
    const bucket = await proven();
    onFirstWrite(bucket, { kind: 'late', delayMs: quiescentMs });
    await expect(tryAcquire(bucket.at('x'))).rejects.toMatchObject({ code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
    const guard = await acquire(bucket.at('x'));
    await new Promise((resolve) => setTimeout(resolve, 2 * quiescentMs));
    expect(bucket.state('x')).toMatchObject({ holder: guard.holderId });
    await guard.release();
  });

  test.each<[number, string]>([
    [409, 'ConditionalRequestConflict'],
    [429, 'TooManyRequests'],
  ])('%d is no holder: it is asked again', async (status, code) => {
    const bucket = await proven();
    onFirstWrite(bucket, { kind: 'status', status, code });
    const guard = await acquire(bucket.at('x'));
    await guard.release();
  });

  test.each<[string, BucketFault, string]>([
    ['no access', { kind: 'status', status: 403, code: 'AccessDenied' }, 'HOLDFAST_PERMISSION'],
    [
      'a wrong key',
      { kind: 'status', status: 403, code: 'SignatureDoesNotMatch' },
      'HOLDFAST_BACKEND_UNAVAILABLE',
    ],
    ['no bucket', { kind: 'status', status: 404, code: 'NoSuchBucket' }, 'HOLDFAST_BACKEND_UNAVAILABLE'],
    [
      'another region',
      { kind: 'status', status: 301, code: 'PermanentRedirect' },
      'HOLDFAST_CONFIG_MISMATCH',
    ],
  ])('%s is told as what it is, without a secret', async (_name, fault, code) => {
    const bucket = await proven();
    onFirstWrite(bucket, fault);
    const failure = (await acquire(bucket.at('x')).catch((error: unknown) => error)) as Error;
    expect(failure).toMatchObject({ code });
    expect(`${failure.message} ${String(failure.cause)}`).not.toMatch(/planted-secret|AKIDEXAMPLE/);
    expect(bucket.state('x')).toBeUndefined();
  });

  test('a release whose reply was lost is done, and one that met a renewal is done again', async () => {
    const bucket = await proven();
    const guard = await acquire(bucket.at('x'), { leaseDurationMs: 1_000 * machineUnit });
    await eventually('renewed', () => Number(bucket.state('x')?.['beat']) >= 1);
    let met = 0;
    bucket.setFault(({ method }) => (method === 'PUT' && met++ === 1 ? { kind: 'lose-reply' } : undefined));
    await guard.release();
    expect(bucket.state('x')).toMatchObject({ state: 'free' });
  });

  test('a server that is gone is 69 within the timeout, not contention', async () => {
    const bucket = await proven();
    bucket.setFault(() => ({ kind: 'drop' }));
    await expect(acquire(bucket.at('x'), { timeoutMs: 1_000 * machineUnit })).rejects.toMatchObject({
      code: expect.stringMatching(/UNAVAILABLE|UNCONFIRMED/) as string,
    });
  });
});
