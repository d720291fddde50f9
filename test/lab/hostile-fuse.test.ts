import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { overlapsOf } from '../../src/testing/intervals.js';
import type { Verdict } from '../../src/verify/judge.js';
import type { VerifyReport } from '../../src/verify/verify.js';
import { cleanEnvironment, dataOf, holdfast, HOLDFAST } from '../support/holdfast.js';
import { compileHostile, mountHostile, type Knobs } from './hostile-fuse.js';
import { raceFor, type RaceResult } from './race.js';

interface Expected {
  readonly name: string;
  readonly knobs: Knobs;
  readonly flock: Verdict;
  readonly lease: Verdict;
  /** Of a plain path there. */
  readonly code: number;
}

const SHARES: readonly Expected[] = [
  { name: 'with nothing wrong', knobs: {}, flock: 'safe', lease: 'safe', code: 0 },
  {
    name: 'whose flock stays in each kernel',
    knobs: { flock: 'local' },
    flock: 'unsafe',
    lease: 'safe',
    code: 78,
  },
  {
    name: 'out of locks, whose files are on a server',
    knobs: { flock: 'ENOLCK', source: 'server:/export' },
    flock: 'unsafe',
    lease: 'safe',
    // A plain path gets a lease there.
    code: 0,
  },
  {
    name: 'that is slow, without links, with stamps of whole seconds, and says EACCES for busy',
    knobs: { link: 'EPERM', latency: 400, mtime: 1, flock: 'EACCES' },
    flock: 'safe',
    lease: 'safe',
    code: 0,
  },
  {
    name: 'with old listings and non-atomic create',
    knobs: { listing: 500, excl: 'broken' },
    flock: 'safe',
    lease: 'safe',
    code: 0,
  },
  {
    name: 'with renames that are busy, and no flock',
    knobs: { busy: 5, flock: 'ENOSYS' },
    flock: 'unsafe',
    lease: 'unsafe',
    code: 78,
  },
  {
    name: 'with renames that copy',
    knobs: { rename: 'copy', flock: 'local' },
    flock: 'unsafe',
    lease: 'unsafe',
    code: 78,
  },
];

interface Seen {
  readonly code: number | null;
  readonly report: VerifyReport;
  readonly leftOvers: readonly string[];
  readonly races: Readonly<Record<'flock' | 'lease', RaceResult>>;
}

const runs = new Map<string, Promise<Seen>>();
const directory = mkdtempSync(join(tmpdir(), 'holdfast-hostilefs-'));
const removals: (() => Promise<void>)[] = [() => rm(directory, { recursive: true })];

// All at once: most of their time they wait for leases to run out.
let program: string;

beforeAll(() => {
  program = compileHostile(directory);
  for (const { name, knobs } of SHARES) {
    const run = examine(knobs);
    // Each test awaits its own run; until then a failure is nobody's.
    run.catch(() => undefined);
    runs.set(name, run);
  }
});

afterAll(async () => {
  await Promise.all(removals.map((remove) => remove()));
});

async function examine(knobs: Knobs): Promise<Seen> {
  const share = await mountHostile(program, knobs);
  removals.push(share.remove);
  const { code, stdout, stderr } = await verify(share.one, share.two);
  if (stdout === '') throw new Error(stderr);
  const leftOvers = readdirSync(share.root);
  const env = { XDG_STATE_HOME: '/dev/null' };
  const race = (scheme: string) =>
    raceFor(
      [share.one, share.two, share.one, share.two].map((path) => `${scheme}:${join(path, `${scheme}.lock`)}`),
      { forMs: 4_000, holdMs: 10 },
      env,
    );
  const [flock, lease] = await Promise.all([race('flock'), race('lease')]);
  return { code, report: dataOf<VerifyReport>(stdout), leftOvers, races: { flock, lease } };
}

function verify(one: string, two: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const options = ['--json', '--quiet', '--rounds', '20', '--lease', '3s'];
  const args = [HOLDFAST, 'verify', ...options, '--peer', two, one];
  const child = spawn(process.execPath, args, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

describe.each(SHARES)('a file system $name', ({ name, flock, lease, code }) => {
  const seen = (): Promise<Seen> => runs.get(name) as Promise<Seen>;

  it(`gets the verdicts flock ${flock}, lease ${lease}, and is left clean`, async () => {
    const { report, leftOvers, ...outcome } = await seen();
    const { backends } = report;
    expect({ flock: backends.flock.verdict, lease: backends.lease.verdict }).toEqual({ flock, lease });
    expect(outcome.code).toBe(code);
    expect(report.view).toBe('two mounts');
    expect(leftOvers).toEqual([]);
  });

  it('never lets two holders of a lock that is called safe overlap', async () => {
    const { races } = await seen();
    for (const [backend, verdict] of [
      ['flock', flock],
      ['lease', lease],
    ] as const) {
      if (verdict !== 'safe') continue;
      expect(overlapsOf(races[backend].holds)).toEqual([]);
      expect(races[backend].holds.length).toBeGreaterThan(1);
      expect(races[backend].failures).toEqual([]);
    }
  });
});

it('the races find what the verdicts warn of', async () => {
  const { races } = await (runs.get('whose flock stays in each kernel') as Promise<Seen>);
  expect(overlapsOf(races.flock.holds).length).toBeGreaterThan(0);
  const refused = await (runs.get('out of locks, whose files are on a server') as Promise<Seen>);
  expect(refused.report).toMatchObject({ chosen: 'lease', fileSystem: { kind: 'network' } });
  expect(refused.races.flock.holds).toEqual([]);
  expect(refused.races.flock.failures[0]).toContain('the file system refuses locks (ENOLCK). Use lease:PATH');
});

it('a file system that is known to grant leases twice is refused by name', async () => {
  const share = await mountHostile(program, { subtype: 'smbnetfs' });
  removals.push(share.remove);
  const run = (...args: string[]) => holdfast(share.one, args);
  const why = 'smbnetfs keeps flock to each host and lets two renames of one name succeed';
  for (const address of ['x.lock', 'lease:x.lock']) {
    const { code, stderr } = await run('run', address, 'true');
    expect([code, stderr.replace(share.one, 'S')]).toEqual([
      78,
      `holdfast: Could not lock "S/x.lock": ${why}. Mount the share with the kernel's own client (mount -t cifs).\n`,
    ]);
  }
  expect((await run('run', 'flock:x.lock', 'true')).code).toBe(0);
  const doctor = await run('doctor');
  expect([doctor.code, doctor.stdout]).toEqual([69, expect.stringContaining(`none: ${why}`)]);
  const verified = await run('verify', '-q', '--rounds', '2', '.');
  expect(verified.code).toBe(78);
  expect(verified.stdout).toContain(`lease: unsafe\n  ${why}`);
  expect(verified.stdout).toContain("flock: unsafe\n  smbnetfs leaves flock to each host's own kernel");
  expect(verified.stdout).toContain('no lock is safe here');
});
