import { execFile } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { expect, test } from 'vitest';

import { claim, release, steal } from '../../src/claims/index.js';
import { CLI, cli } from '../support/cli.js';
import {
  clones,
  git,
  GIT_ENV,
  optionsFor,
  testRemote,
  transportsFor,
  type TestRemote,
} from '../support/git-remotes.js';

/** A push by the clone's agent, with `holdfast` on the PATH; its exit code and what it said. */
async function push(
  remote: TestRemote,
  clone: string,
  branch: string,
  hasHoldfast = true,
): Promise<{ code: number; stderr: string }> {
  const bin = join(remote.directory, 'bin');
  if (!existsSync(bin)) {
    await mkdir(bin);
    writeFileSync(join(bin, 'holdfast'), `#!/bin/sh\nexec ${process.execPath} ${CLI} "$@"\n`);
    await chmod(join(bin, 'holdfast'), 0o755);
    symlinkSync(process.execPath, join(bin, 'node'));
  }
  await git(clone, 'commit', '--quiet', '--allow-empty', '--no-verify', '-m', 'work');
  return run(remote, clone, ['push', '--quiet', 'origin', `HEAD:${branch}`], hasHoldfast);
}

/** Git of the clone's agent. */
function run(
  remote: TestRemote,
  clone: string,
  words: readonly string[],
  hasHoldfast = true,
): Promise<{ code: number; stderr: string }> {
  const bin = join(remote.directory, 'bin');
  const path = hasHoldfast ? [bin, process.env['PATH']].join(delimiter) : process.env['PATH'];
  const env = { ...GIT_ENV, PATH: path, HOLDFAST_AGENT: basename(clone) };
  return new Promise((resolve) => {
    execFile('git', words, { cwd: clone, env }, (error, _, stderr) => {
      resolve({ code: error === null ? 0 : 1, stderr });
    });
  });
}

test.each(transportsFor('http'))(
  'over %s pushes go to branches that nobody else has a claim on, and nowhere while that cannot be known',
  async (transport) => {
    const remote = await testRemote(transport);
    const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
    expect((await cli(ada, ['claims', 'hook', 'install'])).code).toBe(0);
    expect((await cli(ada, ['claims', 'hook', 'install'])).stdout).toContain('already there');
    expect(await push(remote, ada, 'free')).toMatchObject({ code: 0 });
    await claim('a', { ...optionsFor(ada), branch: 'mine' });
    await claim('b', { ...optionsFor(bob), branch: 'theirs' });
    expect(await push(remote, ada, 'mine')).toEqual({ code: 0, stderr: '' });
    const refused = await push(remote, ada, 'theirs');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('b is claimed by bob')]);
    await steal('a', { ...optionsFor(bob), force: true, reason: 'test' });
    expect(await push(remote, ada, 'mine')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('lost: a') as string,
    });
    await release('b', optionsFor(bob));
    expect(await push(remote, ada, 'theirs')).toMatchObject({ code: 0 });
    expect(await push(remote, ada, 'free', false)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not on the PATH') as string,
    });
    await remote.goDown();
    expect(
      (await cli(ada, ['claims', 'check', '--pre-push'], { input: 'refs/heads/x 1 refs/heads/x 0\n' })).code,
    ).toBe(69);
  },
);

test("claims that live elsewhere than the pushes go to: git's holdfast.remote says where", async () => {
  const [fork, upstream] = [await testRemote(), await testRemote()];
  const [ada = ''] = await clones(fork, 'ada');
  const [bob = ''] = await clones(upstream, 'bob');
  await git(ada, 'remote', 'add', 'upstream', upstream.url);
  await git(ada, 'config', 'holdfast.remote', 'upstream');
  await claim('b', { ...optionsFor(bob), branch: 'theirs' });
  expect((await claim('b', optionsFor(ada))).items[0]?.claim?.agent).toBe('bob');
  await cli(ada, ['claims', 'hook', 'install']);
  expect(await push(fork, ada, 'theirs')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('b is claimed by bob') as string,
  });
  expect(await push(fork, ada, 'mine')).toMatchObject({ code: 0 });
});

test('the hook of somebody else is left alone', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  writeFileSync(join(ada, '.git/hooks/pre-push'), '#!/bin/sh\nexit 0\n');
  const { code, stderr } = await cli(ada, ['claims', 'hook', 'install']);
  expect([code, stderr]).toEqual([78, expect.stringContaining('another hook is there')]);
});

test('paths of other agents: refused before a push and a commit, by name and with the way out; nothing else is', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  expect((await cli(ada, ['claims', 'hook', 'install', '--pre-commit'])).stdout).toMatch(
    /^installed .*pre-push\ninstalled .*pre-commit\n$/,
  );
  await claim('src/parser/', optionsFor(bob));
  const commit = async (path: string, ...more: string[]): Promise<{ code: number; stderr: string }> => {
    await mkdir(join(ada, path, '..'), { recursive: true });
    writeFileSync(join(ada, path), 'x');
    await git(ada, 'add', '--', path);
    return run(remote, ada, ['commit', '--quiet', '-m', path, ...more]);
  };
  // The first push creates the helper's folder with `holdfast` in it.
  expect(await push(remote, ada, 'start')).toMatchObject({ code: 0 });
  expect(await commit('src/other.ts')).toEqual({ code: 0, stderr: '' });
  expect(await push(remote, ada, 'free')).toEqual({ code: 0, stderr: '' });
  const refused = await commit('src/Parser/lexer.ts');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /src\/parser\/ is claimed by bob .*changes src\/Parser\/lexer.ts\n.*commit --no-verify/,
  );
  expect((await commit('src/Parser/lexer.ts', '--no-verify')).code).toBe(0);
  const kept = await push(remote, ada, 'free');
  expect([kept.code, kept.stderr]).toEqual([1, expect.stringMatching(/claimed by bob[^]*push --no-verify/)]);
  // A commit is not kept from being made because the remote is away.
  await remote.goDown();
  const offline = await commit('src/parser/more.ts');
  expect([offline.code, offline.stderr]).toEqual([0, expect.stringContaining('claims were not checked')]);
  await remote.comeBack();
  await release('src/parser/', optionsFor(bob));
  expect(await push(remote, ada, 'free')).toMatchObject({ code: 0 });
});
