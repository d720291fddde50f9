import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Subject } from '../../dist/testing/index.js';
import { conform } from '../conformance/conformance.js';
import { subject } from '../conformance/subjects/s3.mjs';
import { cli } from '../support/cli.js';
import { RGW_KEYS, startRadosgw, type Radosgw } from './radosgw.js';

// A store that was not written for these tests: Ceph's gateway, from Debian. See radosgw.ts for how it is started.
let gateway: Radosgw;
const state = mkdtempSync(join(tmpdir(), 'holdfast-radosgw-state-'));

beforeAll(async () => {
  gateway = await startRadosgw();
  await gateway.makeBucket('bucket');
  await gateway.makeBucket('versioned', { isVersioned: true });
  process.env['HOLDFAST_TEST_S3'] = `s3://bucket/locks?endpoint=${gateway.endpoint}`;
  Object.assign(process.env, RGW_KEYS);
}, 120_000);
afterAll(async () => {
  await gateway.close();
  rmSync(state, { recursive: true });
});

const env = { ...RGW_KEYS, XDG_STATE_HOME: state };
const address = (bucket: string): string => `s3://${bucket}/locks?endpoint=${gateway.endpoint}`;

describe('a real radosgw', () => {
  test('is proven by verify, tags without quotes', async () => {
    const { code, stdout } = await cli('/', ['verify', '-q', '--rounds', '100', address('bucket')], { env });
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/quotes +holds +a tag is taken without quotes only/);
    expect(stdout).toMatch(/racing creates +holds +one winner in each of 100 races of 32/);
    expect(stdout).toMatch(/racing swaps +holds +one winner in each of 100 races of 32/);
  }, 600_000);

  test('with a versioned bucket is refused, by verify and at the first use', async () => {
    const verified = await cli('/', ['verify', '-q', '--rounds', '5', address('versioned')], { env });
    expect(verified.code).toBe(78);
    expect(verified.stdout).toMatch(/create +broken +it made an object that exists already/);
    expect(verified.stdout).toMatch(/racing creates +broken +two or more won in 5 of 5 races/);
    const used = await cli('/', ['run', `${address('versioned')}#x`, '--', 'true'], { env });
    expect(used.code).toBe(78);
    expect(used.stderr).toContain('ignores conditions');
  }, 120_000);

  test('runs, lists, shows, breaks', async () => {
    const lock = `${address('bucket')}#nightly`;
    const inner = `${process.execPath} dist/bin/holdfast.cjs`;
    const look = `${inner} ls '${address('bucket')}' && ${inner} show '${lock}'; echo $?`;
    const { code, stdout } = await cli(process.cwd(), ['run', lock, '--', 'sh', '-c', look], { env });
    expect(code).toBe(0);
    expect(stdout).toContain('#nightly');
    expect(stdout).not.toContain('planted-secret');
  }, 120_000);
});

conform(subject as Subject);
