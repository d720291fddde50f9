import { describe, expect, test } from 'vitest';

import { fencedUpdate, s3Object } from '../../../src/fencing/index.js';
import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { createLock } from '../../../src/locks/lock.js';
import { inspect } from '../../../src/locks/inspect.js';
import { listServerLocks } from '../../../src/locks/list.js';
import { breakLock } from '../../../src/locks/manage.js';
import { testBucket } from '../../support/bucket.js';
import { eventually } from '../../support/processes.js';
import { machineUnit } from '../../support/time.js';

const leaseDurationMs = 1_000 * machineUnit;
const puts = (requests: Readonly<Record<string, number>>): number => requests['PUT'] ?? 0;

describe('a lock on a bucket', () => {
  test('costs three requests when uncontended, after four for the first use of its address', async () => {
    const bucket = await testBucket();
    await (await acquire(bucket.at('first'))).release();
    expect(bucket.requests).toEqual({ GET: 1, PUT: 2 + 4 });
    await (await acquire(bucket.at('second'))).release();
    expect(bucket.requests).toEqual({ GET: 2, PUT: 4 + 4 });
    // Another program of this user knows of the proof.
    await (await acquire(bucket.elsewhere('third'))).release();
    expect(bucket.requests).toEqual({ GET: 3, PUT: 6 + 4 });
  });

  test('is renewed by one request each, and keeps its record', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('kept'), { leaseDurationMs, reason: 'to be seen' });
    const [before, readBefore] = [puts(bucket.requests), bucket.requests['GET'] ?? 0];
    await eventually('renewed', () => Number(bucket.state('kept')?.['beat']) >= 4);
    // A renewal without an answer in time is asked about; every other one is a single request.
    const unanswered = (bucket.requests['GET'] ?? 0) - readBefore;
    const { beat, note } = bucket.state('kept') as { beat: number; note: { reason: string } };
    expect(puts(bucket.requests) - before).toBeLessThanOrEqual(beat + unanswered + 1);
    expect(note.reason).toBe('to be seen');
    await guard.release();
    expect(bucket.state('kept')).toMatchObject({ state: 'free', g: String(guard.fencingToken) });
    expect(guard.lost.aborted).toBe(false);
  });

  test('has a lease of a minute unless told', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('usual'));
    expect(bucket.state('usual')).toMatchObject({ leaseMs: 60_000 });
    await guard.release();
  });

  test('shows who holds it, and which locks are held', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('a/b c'), { reason: 'why' });
    await (await acquire(bucket.at('free'))).release();
    const { holders } = await inspect(bucket.elsewhere('a/b c'));
    expect(holders).toMatchObject([
      {
        holderId: guard.holderId,
        pid: process.pid,
        reason: 'why',
        isAlive: true,
        fencingToken: guard.fencingToken,
      },
    ]);
    const server = bucket.at('x').replace('#x', '');
    expect(await listServerLocks(server)).toEqual([bucket.at('a/b c')]);
    await guard.release();
  });

  test('INV-REGISTER-5: a hold that was broken is lost at its next renewal and frees nothing', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('broken'), { leaseDurationMs });
    const lost = new Promise((resolve) => guard.lost.addEventListener('abort', resolve));
    expect(await breakLock(bucket.elsewhere('broken'), guard.holderId)).toBe(true);
    expect(await breakLock(bucket.elsewhere('broken'), guard.holderId)).toBe(false);
    await lost;
    await guard.release();
    expect(bucket.state('broken')).toMatchObject({ state: 'revoked' });
  });

  test('a program that only breaks reaches a store that compares tags without quotes', async () => {
    const bucket = await testBucket({ mode: 'ceph-rgw' });
    const guard = await acquire(bucket.at('broken'));
    expect(await breakLock(bucket.elsewhere('broken'), guard.holderId)).toBe(true);
    expect(bucket.state('broken')).toMatchObject({ state: 'revoked' });
    await guard.release();
  });

  test('a holder that is cut off hears of the loss before another is granted, and its fenced write is refused', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('cut'), { leaseDurationMs });
    const index = s3Object(`${bucket.at('x').replace('/locks', '/index.json').replace('#x', '')}`);
    await fencedUpdate(guard, index, 'of the first');
    const events: string[] = [];
    guard.lost.addEventListener('abort', () => events.push('lost'));
    // Its own requests reach the store no more. Those of the other do, whose signature names another region.
    bucket.setFault(({ key, region }) =>
      key === 'locks/cut' && region !== 'eu-west-1' ? { kind: 'drop' } : undefined,
    );
    const timeoutMs = 60_000 * machineUnit;
    const second = await acquire(bucket.elsewhere('cut'), { leaseDurationMs, timeoutMs });
    events.push('granted');
    expect(events).toEqual(['lost', 'granted']);
    await fencedUpdate(second, index, 'of the second');
    const late = { address: 'late', fencingToken: guard.fencingToken, assertHeld: () => undefined };
    await expect(fencedUpdate(late, index, 'too late')).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(bucket.text('bucket/index.json')).toBe('of the second');
    await second.release();
  });

  test('a value of another program, or of a newer version, is in the way and is never replaced', async () => {
    const bucket = await testBucket();
    for (const text of ['{}', 'hello', '{"holdfast":2}', '\u0000', '[1]']) {
      bucket.put('bucket/locks/theirs', text);
      await expect(acquire(bucket.at('theirs'))).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
      expect(bucket.text('bucket/locks/theirs')).toBe(text);
    }
  });

  test('signs by the time of the store when the clocks differ by an hour', async () => {
    for (const clockAheadMs of [3_600_000, -3_600_000]) {
      const bucket = await testBucket({ clockAheadMs });
      await (await acquire(bucket.at('skewed'))).release();
    }
  });

  test('uses credentials, region and endpoint of a client of the caller, renews on the loop, and frees', async () => {
    const bucket = await testBucket();
    const { hostname, port, protocol } = new URL(bucket.endpoint);
    const credentials = { accessKeyId: 'theirs', secretAccessKey: 'theirs' };
    const client = {
      config: {
        credentials: () => Promise.resolve(credentials),
        region: () => Promise.resolve('eu-west-1'),
        endpoint: () => Promise.resolve({ protocol, hostname, port: Number(port) }),
      },
    };
    const lock = createLock('s3://bucket/locks#borrowed', { client });
    const guard = await acquire(lock, { leaseDurationMs });
    await eventually('renewed', () => Number(bucket.state('borrowed')?.['beat']) >= 1);
    await guard.release();
    expect(bucket.state('borrowed')).toMatchObject({ state: 'free' });
  });

  test('a second contender is refused, by its own request', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('one'));
    expect(await tryAcquire(bucket.elsewhere('one'))).toBeUndefined();
    await guard.release();
  });
});
