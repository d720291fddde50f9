import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { check, claim, list, release, renew, type ClaimsOptions } from '../../src/claims/index.js';
import {
  clones,
  git,
  GIT_ENV,
  optionsFor,
  served,
  testRemote,
  TRANSPORTS,
  type TestRemote,
} from '../support/git-remotes.js';

interface Cost {
  /**
   * Git processes that we start; the helpers that git itself starts are git's. Without "config", which runs only
   * when the clone's configuration is new, or was changed moments ago.
   */
  readonly processes: string[];
  readonly roundTrips: string[];
}

/** Counts from GIT_TRACE2_EVENT: a process that another git started has its parent's id in its own. */
async function costOf(remote: TestRemote, run: (env: NodeJS.ProcessEnv) => Promise<unknown>): Promise<Cost> {
  const trace = join(remote.directory, `trace-${Math.random()}`);
  await run({ ...GIT_ENV, GIT_TRACE2_EVENT: trace });
  const starts = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => JSON.parse(line) as { sid: string; argv: string[] })
    .filter(({ sid }) => !sid.includes('/'));
  const all = starts.map(({ argv }) => argv[1] ?? '');
  expect(all.length).toBeLessThanOrEqual(6);
  expect(all.lastIndexOf('config')).toBeLessThanOrEqual(0);
  const processes = all.filter((name) => name !== 'config');
  return { processes, roundTrips: processes.filter((name) => /^(?:fetch|push|ls-remote)$/.test(name)) };
}

describe.each(TRANSPORTS)('INV-GIT-8: at most 2 round trips and 6 processes, over %s', (transport) => {
  test('a claim that is free, held, released by others, known to be free, and lost in a race', async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    const claimed = (who: ClaimsOptions, id: string): Promise<Cost> =>
      costOf(remote, (env) => claim(id, { ...who, env }));
    expect(await claimed(ada, 'x')).toEqual({
      processes: ['fetch', 'push'],
      roundTrips: ['fetch', 'push'],
    });
    expect(await claimed(bob, 'x')).toEqual({
      processes: ['fetch', 'cat-file'],
      roundTrips: ['fetch'],
    });
    await release('x', ada);
    expect(await claimed(bob, 'x')).toEqual({
      processes: ['fetch', 'cat-file', 'push'],
      roundTrips: ['fetch', 'push'],
    });
    await check('y', ada);
    expect(await claimed(ada, 'y')).toEqual({ processes: ['push'], roundTrips: ['push'] });
    await check('z', bob);
    await claim('z', ada);
    expect(await claimed(bob, 'z')).toEqual({
      processes: ['push', 'fetch', 'cat-file'],
      roundTrips: ['push', 'fetch'],
    });
  });

  test('several at once, a release and a renewal cost no more', async () => {
    const remote = await testRemote(transport);
    const [ada] = (await clones(remote, 'ada')).map(optionsFor) as [ClaimsOptions];
    expect((await costOf(remote, (env) => claim(['1', '2', '3'], { ...ada, env }))).processes).toEqual([
      'fetch',
      'push',
    ]);
    expect((await costOf(remote, (env) => renew(undefined, { ...ada, env }))).processes).toEqual(['push']);
    expect((await costOf(remote, (env) => release(['1', '2'], { ...ada, env }))).processes).toEqual(['push']);
  });
});

test('1000 claims are listed with one fetch, over each transport', { timeout: 60_000 }, async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await claim('task-0', optionsFor(ada));
  await multiply(remote, 'task-0', 1000);
  for (const transport of TRANSPORTS) {
    const [bob] = (await clones(await served(remote, transport), `bob-${transport}`)).map(optionsFor);
    const cost = await costOf(remote, async (env) => {
      const { claims, broken } = await list({ ...bob, env });
      expect([claims.length, broken.length]).toEqual([1000, 0]);
    });
    expect(cost, transport).toEqual({ processes: ['fetch', 'cat-file'], roundTrips: ['fetch'] });
  }
});

/** Makes many claims of one: to have 1000 made by their own agents would take most of the test's time. */
async function multiply(remote: TestRemote, id: string, count: number): Promise<void> {
  const branch = `refs/heads/holdfast/claims/${id}`;
  const record = JSON.parse(await git(remote.path, 'show', `${branch}:lock.json`)) as object;
  let stream = '';
  for (let index = 1; index < count; index++) {
    const text = JSON.stringify({ ...record, resource: `task-${index}`, nonce: `nonce-${index}` });
    stream += `commit refs/heads/holdfast/claims/task-${index}\nauthor ada <a@b> 0 +0000\ncommitter ada <a@b> 0 +0000\n`;
    stream += `data 1\nx\nM 100644 inline lock.json\ndata ${Buffer.byteLength(text)}\n${text}\n\n`;
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: remote.path, env: GIT_ENV, input: stream });
}
