import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { overlapsOf } from '../../../src/testing/intervals.js';
import type { Verdict } from '../../../src/verify/judge.js';
import type { VerifyReport } from '../../../src/verify/verify.js';
import { dataOf, HOLDFAST } from '../../support/holdfast.js';
import { Lab, type Machine } from './machine.js';
import { prepareSsh, serveSsh } from './remote-shell.js';
import { mountNfs, mountSmb, MOUNTED, serveNfs, serveSmb, unmount } from './shares.js';
import { startRace } from './timeline.js';

const lab = new Lab();
const shell = prepareSsh();
let server: Machine;
let one: Machine;
let two: Machine;

beforeAll(async () => {
  [server, one, two] = (await lab.boot(['server', 'one', 'two'])) as [Machine, Machine, Machine];
  await serveNfs(server);
  await serveSmb(server);
  await serveSsh(two, shell);
  await two.run("date -s '+1 hour'");
});

afterAll(async () => {
  await lab.remove();
  rmSync(shell.directory, { recursive: true });
});

interface Case {
  readonly name: string;
  mount(client: Machine): Promise<void>;
  readonly flock: Verdict;
  readonly why: RegExp;
  readonly lease: Verdict;
  /** Of a plain path, which gets a lease on a network file system. */
  readonly code: number;
}

const CASES: readonly Case[] = [
  {
    name: 'NFS 4.2',
    mount: (client) => mountNfs(client, server, 'vers=4.2,proto=tcp,hard'),
    flock: 'safe',
    why: /no overlap/,
    lease: 'safe',
    code: 0,
  },
  {
    name: 'NFS 3 with nolock',
    mount: (client) => mountNfs(client, server, 'vers=3,proto=tcp,nolock', { hasStatd: false }),
    flock: 'unsafe',
    why: /NFS mounted with .*lock.*: locks do not reach the server/,
    lease: 'safe',
    code: 0,
  },
  {
    name: 'NFS 3 without statd',
    mount: (client) => mountNfs(client, server, 'vers=3,proto=tcp', { hasStatd: false }),
    flock: 'unsafe',
    why: /the file system refuses locks \(ENOLCK\)/,
    lease: 'safe',
    code: 0,
  },
  {
    name: 'SMB 3.1.1',
    mount: (client) => mountSmb(client, server, 'vers=3.1.1'),
    flock: 'unsafe',
    why: /SMB: the client of Linux was seen/,
    lease: 'safe',
    code: 0,
  },
  {
    name: 'SMB 3.1.1 with nobrl',
    mount: (client) => mountSmb(client, server, 'vers=3.1.1,nobrl'),
    flock: 'unsafe',
    why: /SMB mounted with nobrl: locks do not reach the server/,
    lease: 'safe',
    code: 0,
  },
];

describe.each(CASES)('verify between two kernels on $name', ({ name, mount, flock, why, lease, code }) => {
  it(`says flock ${flock}, lease ${lease}`, async () => {
    await Promise.all([one, two].map(mount));
    try {
      const words = `verify --json --quiet --rounds 20 --lease 3s --rsh "${shell.command}" --peer ${two.address}:${MOUNTED} ${MOUNTED}`;
      const program = one.start(`exec '${process.execPath}' '${HOLDFAST}' ${words}`);
      const exitCode = await program.exited;
      if (program.stdout() === '') throw new Error(program.stderr());
      const report = dataOf<VerifyReport>(program.stdout());
      for (const { check, outcome, detail } of report.findings) {
        process.stdout.write(`${name}: ${check}: ${outcome}: ${detail}\n`);
      }
      const { backends } = report;
      expect(backends).toMatchObject({ flock: { verdict: flock }, lease: { verdict: lease } });
      expect(backends.flock.reasons.join('\n')).toMatch(why);
      expect(report).toMatchObject({ view: 'two hosts', chosen: 'lease' });
      expect(exitCode).toBe(code);
      expect(await one.run(`ls -A ${MOUNTED}`)).toBe('');
    } finally {
      await Promise.all([one, two].map((client) => unmount(client)));
    }
  });
});

it('the recorded intervals find what is refused: flock on NFS 3 with nolock', async () => {
  const { mount } = CASES.find(({ name }) => name === 'NFS 3 with nolock') as Case;
  await Promise.all([one, two].map(mount));
  const race = await startRace([one, two], 1, `flock:${MOUNTED}/raced.lock`, { forMs: 4_000, holdMs: 60 });
  const { holds } = await race.result;
  expect(overlapsOf(holds).length).toBeGreaterThan(0);
});
