import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { claim, history, release, sync, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import { together } from '../support/finish.js';
import {
  clones,
  faultyRemote,
  git,
  optionsFor,
  serverHook,
  startDaemon,
  testRemote,
  TRANSPORTS,
  type TestRemote,
} from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';

async function agents(remote: TestRemote): Promise<[ClaimsOptions, ClaimsOptions]> {
  return (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
}

async function eventsIn(who: ClaimsOptions, id: string): Promise<(string | undefined)[]> {
  return (await history(id, who)).map(({ event }) => event).reverse();
}

/** Git processes that work in the private store of a clone, or for a test's bare repository. */
function gitProcessesIn(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const text =
        readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return Number(pid) !== process.pid && text.includes(`GIT_DIR=${directory}`);
    } catch {
      return false;
    }
  });
}

/** The server dies between the update of the branch and its answer. `then`: what it does before. */
async function dieAfterUpdate(remote: TestRemote, then: string): Promise<void> {
  await serverHook(
    remote,
    'reference-transaction',
    `[ "$1" = committed ] || exit 0\ngrep -q holdfast/claims/ || exit 0\n[ -e obey ] || exit 0\n${then}\nkill -9 $PPID`,
  );
  writeFileSync(join(remote.path, 'obey'), '');
}

describe.concurrent.each(TRANSPORTS)('unreachable over %s', (transport) => {
  together(
    'from the start: not claimed, and it says so; back again, the second run makes one event',
    async () => {
      const remote = await testRemote(transport);
      const [ada = ''] = await clones(remote, 'ada');
      await remote.goDown();
      const first = await cli(ada, ['claim', 'x']);
      expect([first.code, first.stderr]).toEqual([69, expect.stringContaining('it is not claimed')]);
      const listing = await cli(ada, ['claims']);
      expect([listing.code, listing.stdout]).toEqual([69, '']);
      const listed = await cli(ada, ['claims', 'list', '--json']);
      expect(listed.code).toBe(69);
      expect((await cli(ada, ['claims', 'check', 'x'])).code).toBe(69);
      await remote.comeBack();
      // Nothing was sent, so nothing can land: a later look has nothing to settle, now or ever.
      expect((await sync(optionsFor(ada))).settled).toEqual([]);
      expect((await cli(ada, ['claim', 'x'])).stdout).toBe('claimed x\n');
      expect(await eventsIn(optionsFor(ada), 'x')).toEqual(['claimed']);
    },
  );

  together('INV-GIT-4: after the push landed: the next run confirms that very claim', async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = await agents(remote);
    const away = `${remote.path}.away`;
    await dieAfterUpdate(remote, `rm obey; mv "${remote.path}" "${away}"`);
    const first = await cli(ada.cwd as string, ['claim', 'x']);
    expect([first.code, first.stderr]).toEqual([76, expect.stringContaining('unconfirmed: x')]);
    await remote.goDown().catch(() => undefined);
    const listing = await cli(ada.cwd as string, ['claims']);
    expect([listing.code, listing.stdout]).toEqual([69, '']);
    expect((await cli(ada.cwd as string, ['claims', 'check', 'x'])).code).toBe(76);
    expect((await claim('x', ada)).outcome).toBe('unconfirmed');
    await (transport === 'path' ? remote.comeBack() : rename(away, remote.path).then(remote.comeBack));
    expect((await claim('x', bob)).items[0]?.claim?.agent).toBe('ada');
    expect(await cli(ada.cwd as string, ['claim', 'x'])).toMatchObject({ code: 0, stdout: 'claimed x\n' });
    expect((await claim('x', ada)).items[0]?.claim?.isMine).toBe(true);
    expect(await eventsIn(ada, 'x')).toEqual(['claimed']);
    expect((await release('x', ada))[0]?.outcome).toBe('released');
  });

  together('only the reply lost: settled within the call', async () => {
    const remote = await testRemote(transport);
    const [ada] = await agents(remote);
    await dieAfterUpdate(remote, '');
    expect((await claim('x', ada)).outcome).toBe('claimed');
    expect((await release('x', ada))[0]?.outcome).toBe('released');
    expect(await eventsIn(ada, 'x')).toEqual(['claimed', 'released']);
  });
});

test('INV-GIT-4: turned away while asking what became of a push: unconfirmed, not refused', async () => {
  const remote = await faultyRemote();
  const [ada] = await agents(remote);
  await dieAfterUpdate(remote, 'rm obey; touch closed');
  remote.faults.isClosed = () => existsSync(join(remote.path, 'closed'));
  expect((await claim('x', ada)).items).toMatchObject([
    { outcome: 'unconfirmed', cause: expect.stringContaining('403') as string },
  ]);
  await rm(join(remote.path, 'closed'));
  expect((await claim('x', ada)).outcome).toBe('claimed');
  expect(await eventsIn(ada, 'x')).toEqual(['claimed']);
});

/** One row for each transport; all of them in the soak run. */
const SLOW_HOOKS = [
  ['path', 'refuses', 1],
  ['daemon', 'accepts', 0],
  ['http', 'accepts', 0],
  ['path', 'accepts', 0],
  ['daemon', 'refuses', 1],
  ['http', 'refuses', 1],
] as const;

describe('INV-GIT-5: a pre-receive hook that sleeps past the timeout', () => {
  const isSoak = process.env['HOLDFAST_SOAK'] === '1';
  test.each(SLOW_HOOKS.slice(0, isSoak ? undefined : 3))(
    'over %s, and %s at last: what we say afterwards is what the remote has',
    async (transport, _, status) => {
      const remote = await testRemote(transport);
      const [ada, bob] = await agents(remote);
      await serverHook(
        remote,
        'pre-receive',
        `echo run >> runs; [ -e fast ] && exit 0; sleep 3; echo end >> ends; exit ${status}`,
      );
      const first = await claim('x', { ...ada, timeoutMs: 2_000 });
      expect(first.outcome).toBe('unconfirmed');
      expect(gitProcessesIn(`${ada.cwd}/.git/holdfast`)).toEqual([]);
      // Over a path the hook dies with the push; a server finishes what it began.
      const count = (name: string): number => {
        const path = join(remote.path, name);
        return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
      };
      if (transport !== 'path') await eventually('the server is done', () => count('ends') === count('runs'));
      writeFileSync(join(remote.path, 'fast'), '');
      const second = await claim('x', ada);
      expect(second.outcome).toBe('claimed');
      expect(await eventsIn(bob, 'x')).toEqual(['claimed']);
      expect((await claim('x', bob)).items[0]).toMatchObject({
        outcome: 'contended',
        claim: { agent: 'ada', holderId: second.items[0]?.claim?.holderId },
      });
      expect((await sync(ada)).settled).toEqual([]);
    },
  );
});

test('a hook that declines: no permission, nothing pending, no branch', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await serverHook(remote, 'update', 'exit 1');
  const { code, stderr } = await cli(ada, ['claim', 'x']);
  expect([code, stderr]).toEqual([77, expect.stringContaining('hook declined')]);
  expect((await cli(ada, ['claim', 'x', 'y'])).code).toBe(77);
  expect(await git(remote.path, 'for-each-ref')).toBe('');
  await rm(join(remote.path, 'hooks', 'update'));
  expect((await cli(ada, ['claim', 'x'])).code).toBe(0);
  expect(await eventsIn(optionsFor(ada), 'x')).toEqual(['claimed']);
});

test('a server that takes no pushes: no permission', async () => {
  const remote = await testRemote();
  const { port } = await startDaemon(remote.directory, undefined, false);
  const [ada] = await agents({ ...remote, url: `git://127.0.0.1:${port}/remote.git` });
  await expect(claim('x', ada)).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
});

test('turned away from everything: no permission, nothing pending', async () => {
  const remote = await faultyRemote();
  const [ada] = await agents(remote);
  let isClosed = true;
  remote.faults.isClosed = () => isClosed;
  for (const ids of [['x'], ['x', 'y']])
    await expect(claim(ids, ada)).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
  isClosed = false;
  expect((await sync(ada)).settled).toEqual([]);
  expect(await git(remote.path, 'for-each-ref')).toBe('');
  expect((await claim('x', ada)).outcome).toBe('claimed');
});

test.each([401, 403])('a push that is answered with %d: no permission, nothing pending', async (status) => {
  const remote = await faultyRemote();
  const [ada] = await agents(remote);
  remote.faults.pushStatus = status;
  await expect(claim('x', ada)).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
  expect((await sync(ada)).settled).toEqual([]);
});

test('INV-GIT-4: a hook that speaks of permissions, and then no answer: unconfirmed', async () => {
  const remote = await testRemote();
  const [ada, bob] = await agents(remote);
  const away = `${remote.path}.away`;
  await dieAfterUpdate(remote, `rm obey; echo 'main is protected' >&2; mv "${remote.path}" "${away}"`);
  expect((await claim('x', ada)).outcome).toBe('unconfirmed');
  await remote.comeBack();
  expect((await claim('x', bob)).items[0]?.claim?.agent).toBe('ada');
  expect((await claim('x', ada)).items[0]?.claim?.isMine).toBe(true);
});

test('a branch that somebody locks at the server: tried again, and given up as an I/O error', async () => {
  const remote = await testRemote();
  const [ada] = await agents(remote);
  const lock = join(remote.path, 'refs/heads/holdfast/claims/x.lock');
  await mkdir(join(lock, '..'), { recursive: true });
  writeFileSync(lock, '');
  await expect(claim('x', ada)).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
  const trying = claim('x', ada);
  await rm(lock);
  expect((await trying).outcome).toBe('claimed');
});

test('a remote with two push URLs has no arbiter', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await git(ada, 'config', '--add', 'remote.origin.pushurl', remote.url);
  await git(ada, 'config', '--add', 'remote.origin.pushurl', '/elsewhere');
  expect((await cli(ada, ['claim', 'x'])).code).toBe(78);
});

test('a remote that denies anything but fast-forwards and deletions is enough', async () => {
  const remote = await testRemote();
  await git(remote.path, 'config', 'receive.denyNonFastForwards', 'true');
  await git(remote.path, 'config', 'receive.denyDeletes', 'true');
  const [ada, bob] = await agents(remote);
  await claim('x', ada);
  await release('x', ada);
  expect((await claim('x', bob)).outcome).toBe('claimed');
});

test('a claim that another agent was faster with is contended, although it cannot be learned whose it is', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  await git(bob, 'config', 'remote.origin.uploadpack', 'exit 1;');
  await expect(claim('x', optionsFor(bob))).rejects.toMatchObject({
    code: 'HOLDFAST_CONTENDED',
    message: expect.stringContaining('another agent was faster') as string,
  });
});
