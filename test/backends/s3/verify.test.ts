import { describe, expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import { BUCKET_STORE_MODES, type BucketStoreMode } from '../../../src/testing/bucket-store-modes.js';
import { verifyBucket, type BucketReport } from '../../../src/verify/bucket/verify-bucket.js';
import { testBucket, type TestBucket } from '../../support/bucket.js';
import { cli, startCli } from '../../support/cli.js';
import { eventually } from '../../support/processes.js';

/** The checks that must refute each liar. */
const LIARS: Partial<Record<BucketStoreMode, readonly string[]>> = {
  'ignores-match': ['swap', 'swap of nothing', 'racing swaps'],
  'ignores-create': ['create', 'racing creates'],
  'ignores-all': ['create', 'swap', 'swap of nothing', 'racing creates', 'racing swaps'],
  'quorum-lost': ['create', 'swap', 'racing creates', 'racing swaps'],
  inverted: ['create'],
  racy: ['racing creates', 'racing swaps'],
};
const MODES = Object.keys(BUCKET_STORE_MODES) as BucketStoreMode[];

function storeOf(bucket: TestBucket): string {
  return bucket.at('').slice(0, -1);
}

function verified(bucket: TestBucket): Promise<BucketReport> {
  return verifyBucket(storeOf(bucket), { rounds: 1, signal: new AbortController().signal });
}

describe('verify of a store', () => {
  test.each(MODES)('%s', async (mode) => {
    const bucket = await testBucket({ mode });
    const { verdict, isSafe, findings, reasons } = await verified(bucket);
    const broken = findings.filter(({ outcome }) => outcome === 'broken').map(({ check }) => check);
    expect(broken).toEqual(expect.arrayContaining([...(LIARS[mode] ?? [])]));
    expect(verdict).toBe(LIARS[mode] === undefined ? 'safe' : 'unsafe');
    expect(isSafe).toBe(verdict === 'safe');
    if (mode === 'aws-versioned')
      expect(reasons.join()).toContain('each renewal of a lock leaves an old version');
    if (mode === 'stale-reads') expect(reasons.join()).toContain('showed an older state');
    if (mode === 'ceph-rgw') {
      expect(findings.find(({ check }) => check === 'quotes')?.figures).toEqual({
        quoted: false,
        unquoted: true,
      });
    }
  });

  test('removes what it made, and touches no lock', async () => {
    const bucket = await testBucket();
    const guard = await acquire(bucket.at('x'));
    const before = bucket.text('bucket/locks/x');
    const { leftBehind } = await verified(bucket);
    expect(leftBehind).toBeUndefined();
    expect(bucket.keys().filter((key) => key.includes('.holdfast-verify'))).toEqual([]);
    expect(bucket.text('bucket/locks/x')).toBe(before);
    await guard.release();
  });

  test('says what is left where deletions are refused', async () => {
    const bucket = await testBucket();
    bucket.setFault(({ method }) =>
      method === 'DELETE' ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined,
    );
    const { leftBehind, verdict } = await verified(bucket);
    expect(verdict).toBe('safe');
    expect(leftBehind).toMatch(/^\d+ objects below s3:\/\/bucket\/locks\/\.holdfast-verify\//);
  });

  test('a store that was proven and has become a liar is refused again at the next use', async () => {
    const bucket = await testBucket();
    await (await acquire(bucket.at('x'))).release();
    bucket.setMode('ignores-all');
    expect((await verified(bucket)).verdict).toBe('unsafe');
    await expect(acquire(bucket.elsewhere('x'))).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
  });

  test('503 for every tenth request proves nothing wrong', async () => {
    const bucket = await testBucket();
    bucket.setFault(({ count }) =>
      count % 10 === 7 ? { kind: 'status', status: 503, code: 'SlowDown' } : undefined,
    );
    expect((await verified(bucket)).findings.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
  });

  test('a clock that is an hour off gets in, and its distance is told', async () => {
    const bucket = await testBucket({ clockAheadMs: 3_600_000 });
    const { verdict, findings } = await verified(bucket);
    expect(verdict).toBe('safe');
    expect(findings.find(({ check }) => check === 'signature clock')?.detail).toMatch(
      /3[56]\d\d s ahead of this host/,
    );
  });
});

describe('holdfast verify s3://', () => {
  const few = ['verify', '--rounds', '2'];

  test('prints what was seen and what follows: 0, 78', async () => {
    const fit = await testBucket();
    const good = await cli('/', [...few, storeOf(fit)], { env: fit.env });
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toMatch(/racing swaps +holds +one winner in each of 2 races of 32/);
    expect(good.stdout).toMatch(/^s3: safe$/m);
    expect(good.stderr).toContain('holdfast: trying racing creates');
    const liar = await testBucket({ mode: 'ignores-all' });
    const bad = await cli('/', [...few, '-q', storeOf(liar)], { env: liar.env });
    expect(bad).toMatchObject({ code: 78, stderr: '' });
    expect(bad.stdout).toMatch(/^s3: unsafe$/m);
    expect(bad.stdout).toContain('use another one, or an engine');
  });

  test('76 when what was seen proves neither', async () => {
    const bucket = await testBucket();
    bucket.setFault(({ method, key }) =>
      method === 'PUT' && key.includes('race-')
        ? { kind: 'status', status: 503, code: 'SlowDown' }
        : undefined,
    );
    expect(await cli('/', [...few, storeOf(bucket)], { env: bucket.env })).toMatchObject({ code: 76 });
  });

  test('77, 69 and 64 without a secret, and the next step', async () => {
    const bucket = await testBucket();
    bucket.setFault(() => ({ kind: 'status', status: 403, code: 'AccessDenied' }));
    const denied = await cli('/', [...few, '-q', storeOf(bucket)], { env: bucket.env });
    expect(denied).toMatchObject({ code: 77, stdout: '' });
    expect(denied.stderr).toContain('s3:PutObject');
    const gone = await cli('/', [...few, 's3://bucket/x?endpoint=http://127.0.0.1:1'], { env: bucket.env });
    expect(gone).toMatchObject({ code: 69, stdout: '' });
    const wrong = await cli('/', [...few, '--peer', 'x:/y', storeOf(bucket)], { env: bucket.env });
    expect(wrong).toMatchObject({ code: 64, stdout: '' });
    expect(wrong.stderr).toContain('--peer is for directories');
    for (const { stderr } of [denied, gone, wrong]) expect(stderr).not.toMatch(/planted-secret|AKIDEXAMPLE/);
  });

  test('TERM ends it, and what it made is removed', async () => {
    const bucket = await testBucket();
    const running = startCli('/', ['verify', storeOf(bucket)], { env: bucket.env });
    await eventually('it races', () => bucket.keys().some((key) => key.includes('race-1')));
    running.process.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ code: 143, stdout: '' });
    expect(bucket.keys().filter((key) => key.includes('.holdfast-verify'))).toEqual([]);
  });
});
