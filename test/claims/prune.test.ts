import { join } from 'node:path';
import { expect, test } from 'vitest';

import { check, claim, doctor, list, prune, release } from '../../src/claims/index.js';
import { cli, cliJson } from '../support/cli.js';
import { clones, git, optionsFor, testRemote, type TestRemote } from '../support/git-remotes.js';

async function two(): Promise<{ remote: TestRemote; ada: string; bob: string }> {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  return { remote, ada, bob };
}

test('prune deletes what was released long enough ago, nothing else, and tokens go on rising', async () => {
  const { remote, ada, bob } = await two();
  const before = await claim(['held', 'free'], optionsFor(ada));
  await release('free', optionsFor(ada));
  expect(await prune({ ...optionsFor(bob), olderThanMs: 3_600_000 })).toEqual([]);
  expect(await prune({ ...optionsFor(bob), olderThanMs: 0, dryRun: true })).toEqual([
    { id: 'free', outcome: 'kept' },
  ]);
  const told = await cli(bob, ['claims', 'prune', '--older-than', '0s']);
  expect([told.code, told.stdout]).toEqual([0, 'pruned free\n']);
  expect(await git(remote.path, 'for-each-ref', '--format=%(refname)')).toBe(
    'refs/heads/holdfast/claims/held',
  );
  const again = await claim('free', optionsFor(ada));
  expect(again.items[0]?.claim?.generation).toBeGreaterThan(before.items[1]?.claim?.generation ?? 0n);
  expect((await check('held', optionsFor(ada)))[0]?.outcome).toBe('held');
  expect((await cli(bob, ['claims', 'prune'])).code).toBe(64);
});

test('a remote that denies deletions keeps its branches, and says so', async () => {
  const { remote, ada } = await two();
  await git(remote.path, 'config', 'receive.denyDeletes', 'true');
  await claim('x', optionsFor(ada));
  await release('x', optionsFor(ada));
  const { code, stderr } = await cli(ada, ['claims', 'prune', '--older-than', '0s']);
  expect([code, stderr]).toEqual([77, expect.stringContaining('deletion prohibited')]);
  expect((await list(optionsFor(ada))).broken).toEqual([]);
});

interface Report {
  readonly items: readonly { readonly check: string; readonly status: string }[];
}

test('doctor: all is well, a branch is in the way, the remote is gone', async () => {
  const { remote, ada } = await two();
  await claim('x', optionsFor(ada));
  const { items } = await cliJson<Report>(ada, ['claims', 'doctor']);
  expect(items.map(({ check: name, status }) => [name, status])).toEqual(
    ['remote', 'access', 'object format', 'agent', 'hook', 'signing'].map((name) => [name, 'ok']),
  );
  const other = await testRemote();
  await git(ada, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  await git(ada, 'push', '--quiet', other.path, 'HEAD:refs/heads/holdfast');
  const told = await cli(ada, ['claims', 'doctor', other.path]);
  expect([told.code, told.stdout]).toEqual([
    78,
    expect.stringMatching(/^fault: branches: .*Rename that branch/m),
  ]);
  await remote.goDown();
  const gone = await doctor(optionsFor(ada));
  expect(gone.find(({ check: name }) => name === 'access')).toMatchObject({
    status: 'fault',
    remedy: expect.stringContaining('ls-remote') as string,
  });
  expect(await doctor({ ...optionsFor(ada), remote: 'nowhere' })).toEqual([
    {
      check: 'remote',
      status: 'fault',
      fact: 'Could not use the remote "nowhere": git knows no remote of that name',
      remedy: 'Add it with git remote add, or name another with --remote',
    },
  ]);
});

test('doctor has a remedy for everything that is not well', async () => {
  const { remote, ada } = await two();
  await git(remote.directory, 'init', '--quiet', '--bare', '--object-format=sha256', 'other.git');
  const other = { ...optionsFor(ada), remote: join(remote.directory, 'other.git') };
  await git(ada, 'remote', 'set-url', '--push', 'origin', `file://${remote.path}`);
  const items = [...(await doctor(other)), ...(await doctor(optionsFor(ada)))];
  const ailing = items.filter(({ status }) => status !== 'ok');
  expect(ailing.map(({ check: name }) => name)).toContain('push and fetch');
  for (const { check: name, remedy } of ailing) expect(remedy, name).toMatch(/\S/);
});
