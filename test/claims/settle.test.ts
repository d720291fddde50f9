import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { claim, history, list, release, sync, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import {
  clones,
  faultyRemote,
  git,
  optionsFor,
  serverHook,
  startDaemon,
  testRemote,
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

describe('unreachable', () => {
  test(
    'from the start: unconfirmed, never held; back again, the second run makes one event',
    { timeout: 60_000 },
    async () => {
      const remote = await testRemote();
      const [ada = ''] = await clones(remote, 'ada');
      await rename(remote.path, `${remote.path}.away`);
      const first = await cli(ada, ['claim', 'x']);
      expect([first.code, first.stderr]).toEqual([76, expect.stringContaining('unconfirmed')]);
      const listing = await cli(ada, ['claims']);
      expect([listing.code, listing.stdout]).toEqual([76, '']);
      expect((await cli(ada, ['claims', 'check', 'x'])).code).toBe(76);
      await rename(`${remote.path}.away`, remote.path);
      expect((await cli(ada, ['claim', 'x'])).stdout).toBe('claimed x\n');
      expect(await eventsIn(optionsFor(ada), 'x')).toEqual(['claimed']);
    },
  );

  test('INV-GIT-4: after the push landed: the next run confirms that very claim', async () => {
    const remote = await faultyRemote();
    const [ada, bob] = await agents(remote);
    remote.faults.losesPushReplies = true;
    await serverHook(remote, 'post-receive', 'touch landed');
    const pushing = claim('x', { ...ada, timeoutMs: 10_000 });
    await eventually('the push lands', () => existsSync(join(remote.path, 'landed')));
    remote.faults.isDown = true;
    expect((await pushing).outcome).toBe('unconfirmed');
    await expect(list(ada)).rejects.toMatchObject({ code: 'HOLDFAST_UNCONFIRMED' });
    Object.assign(remote.faults, { isDown: false, losesPushReplies: false });
    expect((await claim('x', bob)).items[0]?.claim?.agent).toBe('ada');
    const again = await claim('x', ada);
    expect(again.outcome).toBe('claimed');
    expect(again.items[0]?.claim?.isMine).toBe(true);
    expect(await eventsIn(ada, 'x')).toEqual(['claimed']);
    expect((await release('x', ada))[0]?.outcome).toBe('released');
  });

  test('only the reply lost: settled within the call', async () => {
    const remote = await faultyRemote();
    const [ada] = await agents(remote);
    remote.faults.losesPushReplies = true;
    expect((await claim('x', ada)).outcome).toBe('claimed');
    expect((await release('x', ada))[0]?.outcome).toBe('released');
    expect(await eventsIn(ada, 'x')).toEqual(['claimed', 'released']);
  });
});

describe.each(['path', 'http'] as const)(
  'INV-GIT-5: a pre-receive hook that sleeps past the timeout, over %s',
  (transport) => {
    test.each([
      ['accepts at last', 0],
      ['refuses at last', 1],
    ])('%s: what we say afterwards is what the remote has', { timeout: 60_000 }, async (_, status) => {
      const remote = await testRemote(transport);
      const [ada, bob] = await agents(remote);
      await serverHook(
        remote,
        'pre-receive',
        `echo run >> runs; [ -e fast ] && exit 0; sleep 4; echo end >> ends; exit ${status}`,
      );
      const first = await claim('x', { ...ada, timeoutMs: 3_000 });
      expect(first.outcome).toBe('unconfirmed');
      expect(gitProcessesIn(`${ada.cwd}/.git/holdfast`)).toEqual([]);
      // Over a path the hook dies with the push; a server finishes what it began.
      const count = (name: string): number => {
        const path = join(remote.path, name);
        return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
      };
      if (transport === 'http') await eventually('the server is done', () => count('ends') === count('runs'));
      writeFileSync(join(remote.path, 'fast'), '');
      const second = await claim('x', ada);
      expect(second.outcome).toBe('claimed');
      expect(await eventsIn(bob, 'x')).toEqual(['claimed']);
      expect((await claim('x', bob)).items[0]).toMatchObject({
        outcome: 'contended',
        claim: { agent: 'ada', holderId: second.items[0]?.claim?.holderId },
      });
      expect((await sync(ada)).settled).toEqual([]);
    });
  },
);

test('a hook that declines: no permission, nothing pending, no branch', { timeout: 60_000 }, async () => {
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
  const port = await startDaemon(remote.directory, undefined, false);
  const [ada] = await agents({ ...remote, url: `git://127.0.0.1:${port}/remote.git` });
  await expect(claim('x', ada)).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
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
