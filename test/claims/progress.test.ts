import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

import { claim, history, list, note, renew, steal, type Claim } from '../../src/claims/index.js';
import { cli, cliJson, eventsOf } from '../support/cli.js';
import { clones, git, GIT_ENV, optionsFor, testRemote, type TestRemote } from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';

/** Long for a test, and short for what has happened a minute ago. */
const LONG = { staleAfterMs: 3_600_000, quietAfterMs: 3_600_000 };

async function seenBy(clone: string, words: readonly string[] = []): Promise<Claim> {
  const { claims } = await cliJson<{ claims: Claim[] }>(clone, ['claims', ...words]);
  return claims[0] as Claim;
}

async function commit(clone: string, branch: string): Promise<void> {
  await git(clone, 'checkout', '--quiet', '-B', branch);
  await git(clone, 'commit', '--quiet', '--allow-empty', '-m', 'work');
}

/** An event that a newer version has published upon the claim `x` of ada. */
async function newerEvent(remote: TestRemote, event: string): Promise<void> {
  const branch = 'refs/heads/holdfast/claims/x';
  const record = JSON.parse(await git(remote.path, 'show', `${branch}:lock.json`)) as object;
  const text = JSON.stringify({ ...record, event, nonce: 'newer', mood: 'cheerful' });
  const input = `commit ${branch}\nauthor ada <a@b> 0 +0000\ncommitter ada <a@b> 0 +0000\ndata 1\nx\nfrom ${branch}^0\nM 100644 inline lock.json\ndata ${Buffer.byteLength(text)}\n${text}\n\n`;
  execFileSync('git', ['fast-import', '--quiet'], { cwd: remote.path, env: GIT_ENV, input });
}

test('renewals move the one clock, notes both; the others see both and the note', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  const first = await seenBy(bob);
  expect(first).toMatchObject({ isQuiet: false, quietAfterMs: 1_800_000, progress: { by: 'claim' } });
  await renew('x', optionsFor(ada));
  const renewed = await seenBy(bob);
  expect(renewed.progress.at).toBe(first.progress.at);
  expect(renewed.alive.at > first.alive.at).toBe(true);
  const told = await cli(ada, ['claims', 'note', 'x', 'tests', 'pass']);
  expect([told.code, told.stdout]).toEqual([0, 'noted x\n']);
  const noted = await seenBy(bob);
  expect(noted).toMatchObject({ note: 'tests pass', progress: { by: 'note' } });
  expect(noted.progress.at).toBe(noted.alive.at);
  await renew('x', optionsFor(ada));
  const later = await seenBy(bob);
  expect([later.note, later.progress.at]).toEqual(['tests pass', noted.progress.at]);
  expect(await eventsOf(bob, 'x')).toEqual(['claimed', 'renewed', 'noted', 'renewed']);
  expect((await history('x', optionsFor(bob)))[1]?.note).toBe('tests pass');
  expect((await cli(bob, ['claims'])).stdout).toMatch(/ALIVE +PROGRESS .*\n.*note: tests pass\n$/);
});

test('alive without progress is quiet, and only force with a reason takes it', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  const quiet = ['--quiet-after', '1ms'];
  await renew('x', optionsFor(ada));
  await eventually('it is quiet', async () => (await seenBy(bob, quiet)).isQuiet);
  expect((await cli(bob, ['claims', ...quiet])).stdout).toContain('quiet for');
  const refused = await cli(bob, ['claims', 'steal', 'x', ...quiet]);
  expect([refused.code, refused.stderr]).toEqual([75, expect.stringMatching(/without progress.*--force/)]);
  const taken = await cli(bob, ['claims', 'steal', 'x', '--force', '--reason', 'stuck']);
  expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining('stolen x from ada')]);
});

test('a stale claim is stale and not quiet', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', { ...optionsFor(ada), staleAfterMs: 1 });
  const options = { ...optionsFor(bob), staleAfterMs: 1, quietAfterMs: 0 };
  const stale = await eventually('it is stale', async () => {
    const [found] = (await list(options)).claims;
    return found?.isStale === true ? found : undefined;
  });
  expect(stale.isQuiet).toBe(false);
});

test('commits on the branch are progress: seen by the next renewal, or once they are pushed', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await commit(ada, 'feature/x');
  await claim('x', { ...optionsFor(ada), branch: 'feature/x' });
  await renew('x', optionsFor(ada));
  expect((await list({ ...optionsFor(bob), ...LONG })).claims[0]?.progress.by).toBe('claim');
  await commit(ada, 'feature/x');
  await renew('x', optionsFor(ada));
  const renewed = (await list({ ...optionsFor(bob), ...LONG })).claims[0];
  expect(renewed).toMatchObject({ progress: { by: 'commit', at: renewed?.alive.at } });
  // Another commit, pushed, and no renewal: looked for where the claim would be quiet without it.
  await commit(ada, 'feature/x');
  await git(ada, 'push', '--quiet', 'origin', 'feature/x');
  const pushed = (await list({ ...optionsFor(bob), quietAfterMs: 1 })).claims[0];
  expect(pushed?.progress.by).toBe('commit');
  expect((pushed?.progress.at ?? '') > (renewed?.progress.at ?? '')).toBe(true);
});

test('an event of a newer version counts as a renewal, and what it says is carried on', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  await claim('x', optionsFor(ada));
  const [before] = (await list(optionsFor(bob))).claims;
  await newerEvent(remote, 'paused');
  const seen = await list(optionsFor(bob));
  expect(seen).toMatchObject({ broken: [], claims: [{ id: 'x', holderId: before?.holderId }] });
  expect((await claim('x', optionsFor(ada))).outcome).toBe('already-held');
  expect((await claim('x', optionsFor(bob))).outcome).toBe('contended');
  expect((await renew('x', optionsFor(ada)))[0]?.outcome).toBe('renewed');
  expect(await eventsOf(bob, 'x')).toEqual(['claimed', 'paused', 'renewed']);
  const record = await git(remote.path, 'show', 'holdfast/claims/x:lock.json');
  expect(JSON.parse(record)).toMatchObject({ event: 'renewed', mood: 'cheerful' });
  await newerEvent(remote, 'no event at all');
  expect((await list(optionsFor(bob))).broken).toMatchObject([{ id: 'x', problem: expect.any(String) }]);
});

test('a note about what is lost, free, or no line: said so', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  await steal('x', { ...optionsFor(bob), force: true, reason: 'test' });
  expect(await note('x', 'here', optionsFor(ada))).toMatchObject({
    outcome: 'lost',
    claim: { agent: 'bob' },
  });
  expect(await cli(ada, ['claims', 'note', 'x', 'here'])).toMatchObject({ code: 76, stdout: '' });
  expect(await note('y', 'here', optionsFor(ada))).toMatchObject({ outcome: 'not-held' });
  expect((await cli(ada, ['claims', 'note', 'y', 'two\nlines'])).code).toBe(64);
  expect((await cli(ada, ['claims', 'note', 'y'])).code).toBe(64);
});
