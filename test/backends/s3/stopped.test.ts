import { describe, expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import type { BucketFault } from '../../../src/testing/bucket-store.js';
import { testBucket, type TestBucket } from '../../support/bucket.js';
import { startCli, type StartedCli } from '../../support/cli.js';
import { eventually } from '../../support/processes.js';

/** Which request to the lock's object is under way when the signal comes. */
interface StopPoint {
  readonly method: 'GET' | 'PUT';
  readonly nth: number;
  readonly fault: BucketFault;
}

const EARLY: BucketFault = { kind: 'delay', delayMs: 300 };
const LATE: BucketFault = { kind: 'slow-reply', delayMs: 300 };

/** Sends `signal` to the command that `start` starts while the request is under way. */
async function stopAt(
  bucket: TestBucket,
  { method, nth, fault }: StopPoint,
  start: () => StartedCli,
): Promise<Awaited<StartedCli['ended']>> {
  let seen = 0;
  let started: StartedCli | undefined;
  bucket.setFault((request) => {
    if (request.key !== 'locks/x' || request.method !== method || started === undefined) return undefined;
    if (++seen !== nth) return undefined;
    started.process.kill('SIGTERM');
    return fault;
  });
  started = start();
  return started.ended;
}

describe('TERM leaves no hold in the bucket', () => {
  const prepared = async (): Promise<TestBucket> => {
    const bucket = await testBucket();
    await (await acquire(bucket.at('other'))).release();
    return bucket;
  };

  test.each<[string, StopPoint]>([
    ['while the lock is looked at', { method: 'GET', nth: 1, fault: EARLY }],
    ['before the claim has arrived', { method: 'PUT', nth: 1, fault: EARLY }],
    ['before the answer to the claim', { method: 'PUT', nth: 1, fault: LATE }],
    ['while the child is named', { method: 'PUT', nth: 2, fault: LATE }],
  ])('%s', async (_name, point) => {
    const bucket = await prepared();
    const start = (): StartedCli =>
      startCli('/', ['run', bucket.at('x'), '--', 'sleep', '600'], { env: bucket.env });
    const { code, signal, stderr } = await stopAt(bucket, point, start);
    expect([code, signal]).toEqual(point.nth === 2 ? [143, null] : [null, 'SIGTERM']);
    expect(stderr).toBe('');
    expect(bucket.state('x')?.['state'] ?? 'free').toBe('free');
  });

  test.each<[string, BucketFault]>([
    ['before the release has arrived', EARLY],
    ['before its answer', LATE],
  ])('%s', async (_name, fault) => {
    const bucket = await prepared();
    const start = (): StartedCli => startCli('/', ['run', bucket.at('x'), '--', 'true'], { env: bucket.env });
    // The claim, the name of the child, the release; the last two may change places.
    const { code } = await stopAt(bucket, { method: 'PUT', nth: 3, fault }, start);
    expect(code).toBe(0);
    expect(bucket.state('x')).toMatchObject({ state: 'free' });
  });

  test('while a waiter claims what was released', async () => {
    const bucket = await prepared();
    const guard = await acquire(bucket.elsewhere('x'), { leaseDurationMs: 1_000 });
    let waiter: StartedCli | undefined;
    let claims = 0;
    bucket.setFault(({ key, method, region }) => {
      if (key !== 'locks/x' || method !== 'PUT' || region === 'eu-west-1') return undefined;
      if (++claims > 1) return undefined;
      waiter?.process.kill('SIGTERM');
      return LATE;
    });
    waiter = startCli('/', ['run', bucket.at('x'), '--', 'true'], { env: bucket.env });
    let stderr = '';
    waiter.process.stderr?.on('data', (text: string) => (stderr += text));
    await eventually('it waits', () => stderr.includes('waiting'));
    await guard.release();
    expect(await waiter.ended).toMatchObject({
      code: 143,
      stderr: expect.stringContaining('canceled by SIGTERM') as string,
    });
    expect(bucket.state('x')).toMatchObject({ state: 'free' });
  });

  test('a timeout that passes while a claim is under way', async () => {
    const bucket = await prepared();
    bucket.setFault(({ key, method }) =>
      key === 'locks/x' && method === 'PUT' ? { kind: 'slow-reply', delayMs: 1_500 } : undefined,
    );
    const { code } = await startCli('/', ['run', '-w', '1', bucket.at('x'), '--', 'true'], {
      env: bucket.env,
    }).ended;
    expect(code).toBe(69);
    expect(bucket.state('x')?.['state'] ?? 'free').toBe('free');
  });
});
