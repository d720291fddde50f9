import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { check, claim, history, list, prune, release, steal } from '../../src/claims/index.js';
import { clones, git, GIT_ENV, multiply, optionsFor, testRemote } from '../support/git-remotes.js';
import { takeGitProcesses } from '../support/git-trace.js';

const MANY = 2_100;

test('what a clone knows of many claims is listed, not fetched, and what changed is seen', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  await git(ada, 'commit', '--quiet', '--allow-empty', '-m', 'x');
  await git(ada, 'push', '--quiet', 'origin', 'HEAD:main');
  await claim('task-0', optionsFor(ada));
  await multiply(remote, 'task-0', MANY);
  const fresh = join(remote.directory, 'fresh');
  await git(remote.directory, 'clone', '--quiet', '--branch', 'main', remote.url, fresh);

  const trace = join(remote.directory, 'trace');
  const listed = async (clone: string): Promise<{ ids: Set<string>; processes: string[] }> => {
    const env = { ...GIT_ENV, GIT_TRACE2_EVENT: trace };
    const { claims, broken } = await list({ ...optionsFor(clone), env, timeoutMs: 300_000 });
    expect(broken).toEqual([]);
    const processes = takeGitProcesses(trace).filter((name) => name !== 'config');
    return { ids: new Set(claims.map(({ id }) => id)), processes };
  };
  const first = await listed(fresh);
  expect([first.ids.size, first.processes]).toEqual([MANY, ['ls-remote', 'fetch', 'cat-file', 'cat-file']]);
  // A clone without branches of its own does not expect so many.
  expect((await listed(bob)).processes).toEqual(['fetch', 'cat-file']);
  for (const clone of [fresh, bob]) expect((await listed(clone)).processes).toEqual(['ls-remote']);

  await claim('new', optionsFor(ada));
  await release('task-0', optionsFor(ada));
  await claim('gone', optionsFor(ada));
  await listed(fresh);
  await release('gone', optionsFor(ada));
  await prune({ ...optionsFor(ada), olderThanMs: 0, timeoutMs: 300_000 });
  await steal('task-7', { ...optionsFor(bob), force: true, reason: 'test' });
  for (const clone of [fresh, bob]) {
    const { ids, processes } = await listed(clone);
    expect(processes[0]).toBe('ls-remote');
    expect([ids.size, ids.has('new'), ids.has('task-0'), ids.has('gone')]).toEqual([
      MANY,
      true,
      false,
      false,
    ]);
  }

  // A tip that is known from the list is in the store, too: events can follow it.
  const taken = await steal('task-9', { ...optionsFor(fresh), force: true, reason: 'test' });
  expect(taken).toMatchObject({ outcome: 'stolen', previous: { agent: 'ada' } });
  expect((await history('task-9', optionsFor(fresh))).map(({ event }) => event)).toEqual([
    'stolen',
    'claimed',
  ]);

  const objects = join(fresh, '.git/holdfast/claims.git/objects');
  const [cache = ''] = (await readdir(objects)).filter((name) => name.startsWith('tips-'));
  writeFileSync(join(objects, cache), '{"format":1,"tips":[["');
  expect((await listed(fresh)).ids.size).toBe(MANY);
});

test('a look at one claim brings no other that begins like it', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  await claim(['task-1', 'task-11', 'task-12'], optionsFor(ada));
  const fetched = (): Promise<string> =>
    git(join(bob, '.git/holdfast/claims.git'), 'for-each-ref', '--format=%(refname:lstrip=3)');
  expect((await check('task-1', optionsFor(bob)))[0]?.claim?.agent).toBe('ada');
  expect(await fetched()).toBe('task-1');
  expect((await check('task', optionsFor(bob)))[0]?.outcome).toBe('not-held');
  // One of two is not there.
  const both = await check(['task', 'task-12'], optionsFor(bob));
  expect(both.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['task', 'not-held'],
    ['task-12', 'contended'],
  ]);
});
