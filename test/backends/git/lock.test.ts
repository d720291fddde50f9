import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

import { acquire, inspect, lockAll, tryAcquire, withLock } from '../../../src/index.js';
import { check, claim, history, list, release, steal } from '../../../src/claims/index.js';
import { cli, startCli } from '../../support/cli.js';
import {
  clones,
  faultyRemote,
  git,
  optionsFor,
  serverHook,
  testRemote,
  TRANSPORTS,
} from '../../support/git-remotes.js';
import { eventually } from '../../support/processes.js';
import { machineUnit } from '../../support/time.js';

describe.each(TRANSPORTS)('git:URL#ID over %s', (transport) => {
  test('holds for one at a time, with a rising token, and releases', async () => {
    const remote = await testRemote(transport);
    const [bob = ''] = await clones(remote, 'bob');
    const address = `git:${remote.url}#task-1`;
    vi.stubEnv('XDG_STATE_HOME', remote.directory);
    vi.spyOn(process, 'cwd').mockReturnValue(remote.directory);
    const guard = await acquire(address);
    expect((await claim('task-1', optionsFor(bob))).outcome).toBe('contended');
    expect(await tryAcquire(address)).toBeUndefined();
    guard.assertHeld({ marginMs: 60_000 });
    const first = guard.fencingToken ?? 0n;
    await guard.release();
    expect(await withLock(address, ({ fencingToken }) => fencingToken)).toBeGreaterThan(first);
    await claim('never-heard-of', optionsFor(bob));
    await release('never-heard-of', optionsFor(bob));
    await withLock(`git:${remote.url}#never-heard-of`, { timeoutMs: 0 }, () => undefined);
    expect((await list(optionsFor(bob))).claims).toEqual([]);
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
});

test('the name of a remote and its URL are two names of one lock', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  vi.spyOn(process, 'cwd').mockReturnValue(ada);
  const names = ['git:origin#x', `git:${remote.url}#x`];
  const set = await lockAll(names, { timeoutMs: 60_000 });
  expect(set.guards[0]).toBe(set.guards[1]);
  for (const name of names) expect(await tryAcquire(name)).toBeUndefined();
  await set.release();
  vi.restoreAllMocks();
});

test('an agent in a clone and a process in the same clone contend', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  await cli(ada, ['claim', 'x', '--reason', 'by hand']);
  const { code, stderr } = await cli(ada, ['run', '-n', 'git:origin#x', '--', 'true']);
  expect([code, stderr]).toEqual([75, expect.stringMatching(/held by ada .*"by hand"/)]);
});

test('shared is not exclusive in silence', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  expect((await cli(ada, ['run', '-s', 'git:origin#x', '--', 'true'])).code).toBe(78);
});

test('an id that cannot be one, and a remote that cannot be reached', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  const unreachable = await cli(ada, ['run', 'git:/no/such/remote.git#x', '--', 'true']);
  expect([unreachable.code, unreachable.stderr]).toEqual([69, expect.stringContaining('not claimed')]);
});

/** Each renewal is a push: a few processes of git. */
const LEASE_S = Math.ceil(3 * machineUnit);

test('run renews while the command runs, and releases after it', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const end = join(ada, 'end');
  const script = 'until [ -e end ]; do sleep 0.1; done';
  const words = ['run', '--lease', `${LEASE_S}s`, 'git:origin#x', '--', 'sh', '-c', script];
  const running = startCli(ada, words);
  await eventuallyHeld(bob);
  expect((await cli(bob, ['claims', 'steal', 'x', '--stale-after', `${LEASE_S}s`])).code).toBe(75);
  const kinds = async () => (await history('x', optionsFor(bob))).map(({ event }) => event);
  await eventually('it renews', async () => (await kinds()).includes('renewed'));
  writeFileSync(end, '');
  expect((await running.ended).code).toBe(0);
  const events = await kinds();
  expect([events[0], events.at(-1)]).toEqual(['released', 'claimed']);
  expect(events.slice(1, -1).length).toBeGreaterThan(0);
  expect(new Set(events.slice(1, -1))).toEqual(new Set(['renewed']));
});

test('run stops its command when the claim is stolen, exits 76, and leaves the thief alone', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const running = startCli(ada, ['run', '--lease', `${LEASE_S}s`, 'git:origin#x', '--', 'sleep', '1000']);
  await eventuallyHeld(bob);
  await steal('x', { ...optionsFor(bob), force: true, reason: 'mine' });
  expect((await running.ended).code).toBe(76);
  expect((await check('x', optionsFor(bob)))[0]?.outcome).toBe('held');
});

test.each([
  [['--lease', '30s'], 30_000],
  [[], 3_600_000],
])('run %j makes a claim that is stale after %d ms', async (words, staleAfterMs) => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const running = startCli(ada, ['run', ...words, 'git:origin#x', '--', 'sleep', '60']);
  await eventuallyHeld(bob);
  expect((await list({ ...optionsFor(bob), staleAfterMs: 0 })).claims).toMatchObject([{ staleAfterMs }]);
  running.process.kill('SIGTERM');
  await running.ended;
});

test('a killed run leaves its claim: its command may live on', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const running = startCli(ada, ['run', 'git:origin#x', '--', 'sleep', '2']);
  await eventuallyHeld(bob);
  running.process.kill('SIGKILL');
  await running.ended;
  expect((await cli(ada, ['run', '-n', 'git:origin#x', '--', 'true'])).code).toBe(75);
  await expect(steal('x', optionsFor(bob))).rejects.toMatchObject({ code: 'HOLDFAST_CONTENDED' });
  await steal('x', { ...optionsFor(bob), force: true, reason: 'its host was rebooted' });
});

test.each([
  ['', []],
  [', not even when another command found out that it landed', ['claims']],
])(
  'INV-GIT-4: a request that ended without its answer does not block the next one of its clone%s',
  async (_, words) => {
    const remote = await faultyRemote();
    const [ada = ''] = await clones(remote, 'ada');
    await serverHook(remote, 'post-receive', 'touch landed');
    remote.faults.losesPushReplies = true;
    const first = startCli(ada, ['run', '-n', 'git:origin#x', '--', 'true']);
    await eventually('the push lands', () => existsSync(join(remote.path, 'landed')));
    remote.faults.isDown = true;
    const { code, stderr } = await first.ended;
    expect([code, stderr]).toEqual([76, expect.stringContaining('holder ')]);
    Object.assign(remote.faults, { isDown: false, losesPushReplies: false });
    if (words.length > 0) expect((await cli(ada, words)).stdout).toMatch(/^x .*yours/m);
    expect((await cli(ada, ['run', '-n', 'git:origin#x', '--', 'true'])).code).toBe(0);
    // Nobody had it, so nobody lost it.
    expect((await cli(ada, ['claims'])).stderr).toBe('no claims\n');
  },
);

test('inspect names the holder without touching anything', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await claim('x', { ...optionsFor(ada), reason: 'by hand' });
  const before = await git(remote.path, 'rev-parse', 'refs/heads/holdfast/claims/x');
  vi.spyOn(process, 'cwd').mockReturnValue(ada);
  const { holders } = await inspect('git:origin#x');
  vi.restoreAllMocks();
  expect(holders).toMatchObject([{ command: 'ada', reason: 'by hand' }]);
  expect(await git(remote.path, 'rev-parse', 'refs/heads/holdfast/claims/x')).toBe(before);
});

async function eventuallyHeld(clone: string): Promise<void> {
  let isHeld = false;
  const look = async (): Promise<void> => {
    while (!isHeld) isHeld = (await list(optionsFor(clone))).claims.length > 0;
  };
  void look();
  await eventually('the claim is made', () => isHeld);
}
