import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { check, claim, list, repair, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import { clones, git, GIT_ENV, optionsFor, testRemote, type TestRemote } from '../support/git-remotes.js';

const BRANCH = 'refs/heads/holdfast/claims/';

test.each([
  '../x',
  '-x',
  'a b',
  'x'.repeat(300),
  'CON',
  'nul.txt',
  'a..b',
  'x.lock',
  'x.',
  '',
  'ä',
  'a/b',
  'a=b',
  'x\ny',
])('the id %j is a usage error, and no branch is made', async (id) => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  expect((await cli(ada, ['claim', '--', id])).code).toBe(64);
  await expect(claim(id, optionsFor(ada))).rejects.toBeInstanceOf(TypeError);
  expect(await git(remote.path, 'for-each-ref')).toBe('');
});

/** Publishes a commit with that lock.json as somebody who does not use holdfast. */
async function forge(
  remote: TestRemote,
  clone: string,
  id: string,
  author: string,
  record: string,
): Promise<void> {
  writeFileSync(join(clone, 'lock.json'), record);
  const blob = await git(clone, 'hash-object', '-w', 'lock.json');
  const { execFileSync } = await import('node:child_process');
  const tree = execFileSync('git', ['mktree'], {
    cwd: clone,
    input: `100644 blob ${blob}\tlock.json\n`,
    env: GIT_ENV,
    encoding: 'utf8',
  }).trim();
  const env = { ...GIT_ENV, GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: 'x@example.org' };
  const commit = execFileSync('git', ['commit-tree', '-m', 'forged', tree], {
    cwd: clone,
    env,
    encoding: 'utf8',
  }).trim();
  await git(clone, 'push', '--quiet', '--force', remote.url, `${commit}:${BRANCH}${id}`);
}

async function setUp(): Promise<{
  remote: TestRemote;
  mallory: string;
  ada: ClaimsOptions;
  record: Record<string, unknown>;
}> {
  const remote = await testRemote();
  const [mallory = '', ada = ''] = await clones(remote, 'mallory', 'ada');
  await claim('model', optionsFor(ada));
  const record = JSON.parse(await git(remote.path, 'show', `${BRANCH}model:lock.json`)) as Record<
    string,
    unknown
  >;
  return { remote, mallory, ada: optionsFor(ada), record };
}

async function expectRefused(who: ClaimsOptions, id: string, problem: string): Promise<void> {
  await expect(claim(id, who)).rejects.toMatchObject({
    code: 'HOLDFAST_PROTOCOL',
    message: expect.stringContaining(problem) as string,
  });
  await expect(check(id, who)).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
  expect((await list(who)).broken).toMatchObject([
    { id, problem: expect.stringContaining(problem) as string },
  ]);
  expect((await cli(who.cwd as string, ['claim', id])).code).toBe(65);
}

describe('INV-GIT-2: a record that another agent published', { timeout: 60_000 }, () => {
  test('under the name of its victim: refused, reported, and ended by repair', async () => {
    const { remote, mallory, ada, record } = await setUp();
    await forge(remote, mallory, 'x', 'mallory', JSON.stringify({ ...record, resource: 'x', agent: 'ada' }));
    await expectRefused(ada, 'x', '"mallory" published it in the name of "ada"');
    expect(await repair(ada)).toMatchObject([{ id: 'x', kind: 'broken', outcome: 'kept' }]);
    expect(await repair({ ...ada, repair: true })).toMatchObject([{ id: 'x', outcome: 'ended' }]);
    expect((await claim('x', ada)).outcome).toBe('claimed');
  });

  test('copied from another claim', async () => {
    const { mallory, ada } = await setUp();
    await git(mallory, 'fetch', '--quiet', 'origin', `${BRANCH}model`);
    await git(mallory, 'push', '--quiet', 'origin', `FETCH_HEAD:${BRANCH}x`);
    await expectRefused(ada, 'x', 'names "model"');
  });

  test.each([
    ['no JSON', '{', 'no JSON'],
    ['a list', '[]', 'no record'],
    ['no agent', JSON.stringify({ schema: 1, resource: 'x', event: 'claimed' }), '"agent"'],
    [
      'an agent of control characters',
      JSON.stringify({ schema: 1, resource: 'x', event: 'claimed', agent: '\u001b[2J' }),
      '"agent"',
    ],
    ['an older schema', JSON.stringify({ schema: 0 }), 'schema is 0'],
  ])('with %s', async (_, text, problem) => {
    const { remote, mallory, ada } = await setUp();
    await forge(remote, mallory, 'x', 'mallory', text);
    await expectRefused(ada, 'x', problem);
    expect((await cli(ada.cwd as string, ['claims', 'repair'])).code).toBe(65);
  });

  test('of a newer schema: not ended by repair, because its writer knows better', async () => {
    const { remote, mallory, ada } = await setUp();
    await forge(remote, mallory, 'x', 'mallory', JSON.stringify({ schema: 2 }));
    await expectRefused(ada, 'x', 'schema is 2');
    expect(await repair({ ...ada, repair: true })).toMatchObject([
      { id: 'x', kind: 'newer', outcome: 'kept' },
    ]);
  });
});

test('INV-GIT-9: Foo and foo are two branches even where case is ignored', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  expect((await claim(['Foo', 'foo', 'FOO'], optionsFor(ada))).outcome).toBe('claimed');
  const refs = (await git(remote.path, 'for-each-ref', '--format=%(refname)')).split('\n');
  expect(new Set(refs.map((ref) => ref.toLowerCase())).size).toBe(3);
});

test('credentials in a URL are not told', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  await git(ada, 'remote', 'set-url', 'origin', 'http://user:secret@127.0.0.1:1/x.git');
  const { code, stderr } = await cli(ada, ['claims']);
  expect(code).toBe(76);
  expect(stderr).not.toContain('secret');
});
