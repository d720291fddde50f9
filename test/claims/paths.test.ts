import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

import { PATH_INDEX_REF } from '../../src/backends/git/index.js';
import type * as Push from '../../src/backends/git/push.js';
import { claim, list, prune, release, repair, steal, type ClaimResult } from '../../src/claims/index.js';
import { cli, cliJson } from '../support/cli.js';
import { clones, git, optionsFor, serverHook, testRemote, type TestRemote } from '../support/git-remotes.js';

/** A mutant of the protocol, while it is on: pushes of path claims leave their index where it is. */
const mutant = vi.hoisted(() => ({ forgetsIndex: false }));
vi.mock('../../src/backends/git/push.js', async (original) => {
  const module = await original<typeof Push>();
  const pushUpdates: typeof Push.pushUpdates = (store, updates, limits) => {
    const kept = mutant.forgetsIndex ? updates.filter(({ ref }) => ref !== PATH_INDEX_REF) : updates;
    return module.pushUpdates(store, kept, limits);
  };
  return { ...module, pushUpdates };
});

async function pair(): Promise<{ remote: TestRemote; ada: string; bob: string }> {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  return { remote, ada, bob };
}

/** Each of the first two pushes waits until the other has arrived: both have looked before either lands. */
async function pushesMeet(remote: TestRemote): Promise<void> {
  const met = join(remote.directory, 'met');
  mkdirSync(met);
  await serverHook(
    remote,
    'pre-receive',
    `touch ${met}/$$; n=0; while [ $(ls ${met} | wc -l) -lt 2 ] && [ $n -lt 500 ]; do n=$((n+1)); sleep 0.02; done`,
  );
}

/** Two agents claim overlapping paths, each having seen that no one has them. */
async function raced({ remote, ada, bob }: Awaited<ReturnType<typeof pair>>): Promise<ClaimResult[]> {
  await claim('warm-up', optionsFor(ada));
  await list(optionsFor(bob));
  await pushesMeet(remote);
  return Promise.all([claim('src/', optionsFor(ada)), claim('src/parser/', optionsFor(bob))]);
}

describe('INV-GIT-11: of overlapping paths at most one is held', () => {
  test('two claims that looked before either landed: one is taken, the other hears whose', async () => {
    const world = await pair();
    const results = await raced(world);
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['claimed', 'contended']);
    const winner = results.find(({ outcome }) => outcome === 'claimed')?.items[0]?.claim;
    const loser = results.find(({ outcome }) => outcome === 'contended')?.items[0]?.claim;
    expect(loser?.holderId).toBe(winner?.holderId);
    const { claims } = await list(optionsFor(world.ada));
    expect(claims.filter(({ id }) => id.endsWith('/'))).toHaveLength(1);
  });

  test('the mutant that forgets the index lets both have it: this test finds it', async () => {
    mutant.forgetsIndex = true;
    try {
      const results = await raced(await pair());
      expect(results.map(({ outcome }) => outcome)).toEqual(['claimed', 'claimed']);
    } finally {
      mutant.forgetsIndex = false;
    }
  });

  test('eight agents, each with a path in that of the next: rounds of one winner', async () => {
    const remote = await testRemote();
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const agents = await clones(remote, ...names);
    for (const round of ['one', 'two']) {
      const claims = agents.map((clone, depth) =>
        claim(`${round}/${'x/'.repeat(depth)}`, { ...optionsFor(clone), timeoutMs: 120_000 }),
      );
      const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'claimed')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'contended')).toHaveLength(7);
    }
  });

  test('beside one another, and one after another; the index forgets what is free', async () => {
    const { remote, ada, bob } = await pair();
    const entries = async (): Promise<string[]> => {
      const text = await git(remote.path, 'show', `${PATH_INDEX_REF}:lock.json`);
      return (JSON.parse(text) as { entries: { id: string }[] }).entries.map(({ id }) => id);
    };
    expect((await claim(['src/parser/', 'docs/'], optionsFor(ada))).outcome).toBe('claimed');
    expect((await claim('src/parser2/', optionsFor(bob))).outcome).toBe('claimed');
    for (const id of ['src/', 'SRC/Parser/lexer.ts/', 'src/parser/']) {
      expect(await claim(['other', id], optionsFor(bob))).toMatchObject({
        outcome: 'contended',
        items: [
          { id: 'other', outcome: 'not-taken' },
          { id, outcome: 'contended', claim: { id: 'src/parser/', agent: 'ada' } },
        ],
      });
    }
    // One's own overlap as one likes, and a repeated claim changes nothing.
    expect((await claim('src/parser/lexer.ts/', optionsFor(ada))).outcome).toBe('claimed');
    expect((await claim('src/parser/', optionsFor(ada))).outcome).toBe('already-held');
    await release(['src/parser/', 'src/parser/lexer.ts/'], optionsFor(ada));
    expect((await claim('src/parser/tokens/', optionsFor(bob))).outcome).toBe('claimed');
    expect((await entries()).toSorted()).toEqual(['docs/', 'src/parser/tokens/', 'src/parser2/']);
    expect((await claim('src/parser/', optionsFor(ada))).outcome).toBe('contended');
  });

  test('steal: a held one by force, a free one as a claim with regard to the others', async () => {
    const { ada, bob } = await pair();
    await claim('src/', optionsFor(ada));
    await release('src/', optionsFor(ada));
    await claim('src/parser/', optionsFor(bob));
    const by = { force: true, reason: 'test' };
    expect(await steal('src/', { ...optionsFor(ada), ...by })).toMatchObject({
      outcome: 'contended',
      claim: { id: 'src/parser/', agent: 'bob' },
    });
    expect((await steal('src/parser/', { ...optionsFor(ada), ...by })).outcome).toBe('stolen');
    expect((await claim('src/', optionsFor(bob))).outcome).toBe('contended');
    expect((await claim('src/', optionsFor(ada))).outcome).toBe('claimed');
  });

  test('an index that others deleted: what is held is seen all the same, and it is made anew', async () => {
    const { remote, ada, bob } = await pair();
    await claim('src/', optionsFor(ada));
    await git(remote.path, 'update-ref', '-d', PATH_INDEX_REF);
    expect((await claim('src/parser/', optionsFor(bob))).outcome).toBe('contended');
    expect((await claim('docs/', optionsFor(bob))).outcome).toBe('claimed');
    expect((await claim('docs/api/', optionsFor(ada))).outcome).toBe('contended');
  });

  test('an index that cannot be read: no path is claimed, everything else works', async () => {
    const { remote, ada } = await pair();
    await claim('src/', optionsFor(ada));
    const blob = join(remote.directory, 'blob');
    writeFileSync(blob, '{"schema":2}');
    const oid = await git(remote.path, 'hash-object', '-w', blob);
    await git(remote.path, 'read-tree', '--empty');
    await git(remote.path, 'update-index', '--add', '--cacheinfo', `100644,${oid},lock.json`);
    const tree = await git(remote.path, 'write-tree');
    const commit = await git(
      remote.path,
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@y',
      'commit-tree',
      '-m',
      'x',
      tree,
    );
    await git(remote.path, 'update-ref', PATH_INDEX_REF, commit);
    await expect(claim('docs/', optionsFor(ada))).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
    expect((await claim('issue-1', optionsFor(ada))).outcome).toBe('claimed');
    expect((await list(optionsFor(ada))).claims.map(({ id }) => id)).toEqual(['issue-1', 'src/']);
    expect((await release('src/', optionsFor(ada)))[0]?.outcome).toBe('released');
  });

  test('the index is no claim: list, repair and prune leave it alone', async () => {
    const { remote, ada } = await pair();
    await claim('src/', optionsFor(ada));
    expect(await list(optionsFor(ada))).toMatchObject({ broken: [], claims: [{ id: 'src/' }] });
    expect(await repair({ ...optionsFor(ada), repair: true })).toEqual([]);
    await release('src/', optionsFor(ada));
    expect((await prune({ ...optionsFor(ada), olderThanMs: 0 })).map(({ id }) => id)).toEqual(['src/']);
    expect(await git(remote.path, 'for-each-ref', '--format=%(refname)')).toBe(PATH_INDEX_REF);
    expect((await claim('src/', optionsFor(ada))).outcome).toBe('claimed');
  });

  test('a remote that refuses to move the index takes no claim of a path', async () => {
    const { remote, ada } = await pair();
    await serverHook(remote, 'update', `case $1 in *=paths) echo no >&2; exit 1;; esac`);
    await expect(claim('src/', optionsFor(ada))).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
    expect((await list(optionsFor(ada))).claims).toEqual([]);
    expect((await claim('issue-1', optionsFor(ada))).outcome).toBe('claimed');
  });
});

test('the command: --path is relative to where it runs, and a lock cannot have such a name', async () => {
  const { ada, bob } = await pair();
  const below = join(ada, 'src');
  mkdirSync(below);
  const env = { HOLDFAST_AGENT: 'ada' };
  expect(await cli(below, ['claim', '7', '--path', 'parser', '--path', '../docs/'], { env })).toMatchObject({
    code: 0,
    stdout: 'claimed 7\nclaimed src/parser/\nclaimed docs/\n',
  });
  const refused = await cli(bob, ['claim', 'src/']);
  expect([refused.code, refused.stderr]).toEqual([
    75,
    expect.stringContaining('src/ overlaps with src/parser/, which is claimed by ada'),
  ]);
  for (const path of ['..', '.', '/etc']) expect((await cli(ada, ['claim', '--path', path])).code).toBe(64);
  expect((await cli(ada, ['run', 'git:origin#src/', '--', 'true'])).code).toBe(78);
  expect((await cli(below, ['unclaim', '--path', 'parser'], { env })).stdout).toBe('released src/parser/\n');
  expect((await cli(ada, ['unclaim', '--all'])).code).toBe(0);
  expect((await cliJson<{ claims: unknown[] }>(bob, ['claims'])).claims).toEqual([]);
  expect(await cli(ada, ['unclaim', '--all'])).toMatchObject({ code: 0, stderr: 'nothing to release\n' });
});
