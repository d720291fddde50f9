import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { acquire } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';
import { ALICE, BOB, CAROL, fingerprint, holdfastAs, placeOf, PROJECT, runAs } from './people.js';

test.each([
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
  [
    'a link to a FIFO',
    (path: string) => {
      execFileSync('mkfifo', [`${path}.fifo`]);
      symlinkSync(`${path}.fifo`, path);
    },
  ],
  ['a directory', (path: string) => execFileSync('mkdir', [path])],
  ['16 MB of digits', (path: string) => writeFileSync(path, '1'.repeat(16 * 1024 * 1024))],
])(
  'the record of a lease’s holder is %s: the lease is held all the same, and nothing waits for it',
  async (_kind, plant) => {
    const directory = join(testDirectory(), 'x');
    const guard = await acquire(`lease:${directory}`, { leaseDurationMs: 600_000 });
    const record = readdirSync(directory).find(
      (name) => name.includes(guard.holderId) && !name.startsWith('s.'),
    );
    expect(record).toBeDefined();
    const path = join(directory, record as string);
    rmSync(path);
    plant(path);

    expect(
      await holdfastAs(undefined, directory, ['run', '-n', `lease:${directory}`, '--', 'true']),
    ).toMatchObject({ code: 75 });
    expect(await holdfastAs(undefined, directory, ['show', `lease:${directory}`])).toMatchObject({ code: 0 });

    rmSync(path, { recursive: true, force: true });
    await guard.release();
  },
);

/** A lease of a data file, as on a network share: in a side folder, whose names are ours. */
const PRIVATE = `
  import { LeaseBackend, PRIVATE_DIRECTORY } from '${new URL('../../dist/backends/lease/index.js', import.meta.url).href}';
  import { systemClock } from '${new URL('../../dist/platform/clock.js', import.meta.url).href}';
  import { leaseClock } from '${new URL('../../dist/platform/lease-clock.js', import.meta.url).href}';
  import { createKeeper } from '${new URL('../../dist/renewal/index.js', import.meta.url).href}';
  import { clientOf } from '${new URL('../../dist/testing/index.js', import.meta.url).href}';
  const backend = new LeaseBackend(PRIVATE_DIRECTORY, systemClock, leaseClock);
  const client = clientOf(backend, createKeeper(systemClock, leaseClock));
  try {
    const guard = await client.acquire(process.cwd() + '/.holdfast/locks/data.json.lock');
    console.log(String(guard.fencingToken));
    await guard.release();
  } catch (error) { console.error(error.code, error.message); process.exitCode = 1; }`;
const PRIVATE_COMMAND = [process.execPath, '--input-type=module', '-e', PRIVATE];

test('members of a group share the lease of a data file, whoever of them is first', async () => {
  const place = placeOf(ALICE, 0o2775, PROJECT);
  const tokens: bigint[] = [];
  for (const person of [BOB, ALICE, CAROL, BOB]) {
    const ended = await runAs({ ...person, groups: [PROJECT] }, place, PRIVATE_COMMAND);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    tokens.push(BigInt(ended.stdout.trim()));
  }
  expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
  const { gid, mode } = statSync(join(place, '.holdfast/locks/data.json.lock'));
  expect([gid, mode & 0o7777]).toEqual([PROJECT, 0o2770]);
});

test.each([
  ['a link', (path: string, target: string) => symlinkSync(target, path)],
  [
    'a directory of another user',
    (path: string) => {
      mkdirSync(path);
      chownSync(path, BOB.uid, BOB.gid);
    },
  ],
])('the lease of a data file is %s: nothing is locked, nothing is written', async (_kind, plant) => {
  const place = placeOf(ALICE, 0o755);
  const target = testDirectory();
  writeFileSync(join(target, 's.0000000000000001.free'), '');
  mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
  plant(join(place, '.holdfast/locks/data.json.lock'), target);
  const before = [fingerprint(place), fingerprint(target)];

  const ended = await runAs(undefined, place, PRIVATE_COMMAND);

  expect(ended.stderr).toMatch(/^HOLDFAST_PERMISSION .*\(owner \d+, group \d+, mode \d{4}\)/);
  expect([fingerprint(place), fingerprint(target)]).toEqual(before);
});

/** A lease of Alice in a directory that every user may write, and the record of its holder. */
async function leaseOfAlice(): Promise<{ place: string; record: string }> {
  const place = placeOf(ALICE, 0o777);
  const words = [`--reuid=${ALICE.uid}`, `--regid=${ALICE.gid}`, '--clear-groups', process.execPath];
  const script = `import { acquire } from '${new URL('../../dist/index.js', import.meta.url).href}';
    await acquire('lease:x', { leaseDurationMs: 600_000 }); console.log('held'); process.stdin.resume();`;
  const holder = start('setpriv', [...words, '--input-type=module', '-e', script], {
    cwd: place,
    env: { PATH: process.env['PATH'], HOME: place },
  });
  onTestFinished(() => void holder.process.kill('SIGKILL'));
  await holder.line(/^held$/);
  chmodSync(join(place, 'x'), 0o777);
  const record = readdirSync(join(place, 'x')).find((name) => name.startsWith('i.')) as string;
  return { place, record: join(place, 'x', record) };
}

test('a record that another user has put in place of the holder’s is no proof of death', async () => {
  const { place, record } = await leaseOfAlice();
  const content = JSON.parse(readFileSync(record, 'utf8')) as { identity: object };
  const forged = { ...content, identity: { ...content.identity, pid: 1, startTime: 1 } };
  unlinkSync(record);
  writeFileSync(record, JSON.stringify(forged));
  chownSync(record, BOB.uid, BOB.gid);

  const run = await holdfastAs(undefined, place, ['run', '-n', 'lease:x', '--', 'true']);
  expect(run).toMatchObject({ code: 75 });
  chownSync(record, ALICE.uid, ALICE.gid);
  chmodSync(record, 0o666);
  const again = await holdfastAs(undefined, place, ['run', '-n', 'lease:x', '--', 'true']);
  expect(again).toMatchObject({ code: 75 });
  // The same by Alice is proof: her process has ended.
  chmodSync(record, 0o644);
  const byAlice = await holdfastAs(undefined, place, ['run', '-n', 'lease:x', '--', 'true']);
  expect(byAlice).toMatchObject({ code: 0 });
});

test.each([
  ['a link to nothing', (path: string, target: string) => symlinkSync(join(target, 'new'), path)],
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
])('the marker of waiters is %s: nothing is made through it, and no wait hangs', async (_kind, plant) => {
  const { place } = await leaseOfAlice();
  const target = testDirectory();
  plant(join(place, 'x/w'), target);
  const ended = await holdfastAs(undefined, place, ['run', '-w', '500ms', 'lease:x', '--', 'true']);
  expect(ended).toMatchObject({ code: 75 });
  expect(readdirSync(target)).toEqual([]);
});

test('a HOME of another user gets no state, and what is there is not believed', async () => {
  const { place } = await leaseOfAlice();
  const home = placeOf(ALICE, 0o777);
  const command = [process.execPath, new URL('../../dist/bin/holdfast.cjs', import.meta.url).pathname];
  const words = ['env', `HOME=${home}`, ...command, 'run', '-w', '300ms', 'lease:x', '--', 'true'];
  expect(await runAs(BOB, place, words)).toMatchObject({ code: 75 });
  expect(readdirSync(home)).toEqual([]);
});
