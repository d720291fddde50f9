import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import { testBucket } from '../../support/bucket.js';
import { cli, cliJson, startCli } from '../../support/cli.js';
import { eventually } from '../../support/processes.js';

interface Listed {
  readonly locks: readonly {
    readonly address: string;
    readonly holders: readonly { readonly holderId: string }[];
  }[];
}

describe('the command on a bucket', () => {
  test('runs, names the holder, refuses with 75, lists, breaks', async () => {
    const bucket = await testBucket();
    const { env } = bucket;
    const free = await cli(
      '/',
      ['run', bucket.at('nightly'), '--', 'sh', '-c', 'echo $HOLDFAST_LOCK $HOLDFAST_TOKEN'],
      { env },
    );
    expect(free).toMatchObject({ code: 0, stderr: '' });
    expect(free.stdout).toMatch(/^s3:\/\/bucket\/locks#nightly \d{16}\n$/);
    const guard = await acquire(bucket.at('nightly'), { reason: 'here' });
    const taken = await cli('/', ['run', '-n', bucket.at('nightly'), '--', 'true'], { env });
    expect(taken.code).toBe(75);
    expect(taken.stderr).toContain(String(process.pid));
    expect(await cli('/', ['test', bucket.at('nightly')], { env })).toMatchObject({ code: 75 });
    // The line to break it reaches the same store.
    const shown = await cli('/', ['show', bucket.at('nightly')], { env });
    expect(shown.stdout).toContain(`holdfast break '${bucket.at('nightly')}' --holder ${guard.holderId}`);
    const { locks } = await cliJson<Listed>('/', ['ls', bucket.at('').slice(0, -1)], { env });
    expect(locks.map(({ holders }) => holders[0]?.holderId)).toEqual([guard.holderId]);
    const broken = await cli('/', ['break', '--force', '--holder', guard.holderId, bucket.at('nightly')], {
      env,
    });
    expect(broken).toMatchObject({ code: 0 });
    expect(bucket.state('nightly')).toMatchObject({ state: 'revoked' });
    await guard.release();
  });

  test('doctor tells whether the store can be used, and what it lacks', async () => {
    const fit = await testBucket();
    const server = fit.at('').slice(0, -1);
    const good = await cli('/', ['doctor', server], { env: fit.env });
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toMatch(/conditions +honoured/);
    const liar = await testBucket({ mode: 'ignores-all' });
    const bad = await cli('/', ['doctor', liar.at('').slice(0, -1)], { env: liar.env });
    expect(bad.code).toBe(69);
    expect(bad.stdout).toContain('ignores conditions');
  });

  test('a store that ignores conditions is 78 at the first use, no credentials are 69', async () => {
    const liar = await testBucket({ mode: 'ignores-match' });
    expect(await cli('/', ['run', liar.at('x'), '--', 'true'], { env: liar.env })).toMatchObject({
      code: 78,
    });
    const bucket = await testBucket();
    const bare = {
      ...bucket.env,
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      HOME: bucket.env['XDG_STATE_HOME'],
    };
    const refused = await cli('/', ['run', bucket.at('x'), '--', 'true'], { env: bare });
    expect(refused.code).toBe(69);
    expect(refused.stderr).toContain('no credentials were found');
  });

  test('a spare leads once the leader has released', async () => {
    const bucket = await testBucket();
    const { env } = bucket;
    const guard = await acquire(bucket.at('leader'), { leaseDurationMs: 3_000 });
    const begun = join(bucket.env['XDG_STATE_HOME'] ?? '', 'begun');
    const work = ['sh', '-c', `touch ${begun}; exec sleep 600`];
    const args = ['run', '--stand-by', '--lease', '3s', bucket.at('leader'), '--', ...work];
    const spare = startCli('/', args, { env });
    await guard.release();
    await eventually('the spare leads', () => existsSync(begun));
    expect(bucket.state('leader')?.['holder']).not.toBe(guard.holderId);
    spare.process.kill('SIGTERM');
    await spare.ended;
    expect(bucket.state('leader')).toMatchObject({ state: 'free' });
  });
});
