import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { check, claim, list, release, renew, type ClaimsOptions } from '../../src/claims/index.js';
import {
  clones,
  GIT_ENV,
  optionsFor,
  testRemote,
  TRANSPORTS,
  type TestRemote,
} from '../support/git-remotes.js';

interface Cost {
  /** Git processes that we start; the helpers that git itself starts are git's. */
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
  const processes = starts.map(({ argv }) => argv[1] ?? '');
  return { processes, roundTrips: processes.filter((name) => /^(?:fetch|push|ls-remote)$/.test(name)) };
}

describe.each(TRANSPORTS)('INV-GIT-8: at most 2 round trips and 6 processes, over %s', (transport) => {
  test('a claim that is free, held, released by others, known to be free, and lost in a race', async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    const claimed = (who: ClaimsOptions, id: string): Promise<Cost> =>
      costOf(remote, (env) => claim(id, { ...who, env }));
    expect(await claimed(ada, 'x')).toEqual({
      processes: ['config', 'fetch', 'push'],
      roundTrips: ['fetch', 'push'],
    });
    expect(await claimed(bob, 'x')).toEqual({
      processes: ['config', 'fetch', 'cat-file'],
      roundTrips: ['fetch'],
    });
    await release('x', ada);
    expect(await claimed(bob, 'x')).toEqual({
      processes: ['config', 'fetch', 'cat-file', 'push'],
      roundTrips: ['fetch', 'push'],
    });
    await check('y', ada);
    expect(await claimed(ada, 'y')).toEqual({ processes: ['config', 'push'], roundTrips: ['push'] });
    await check('z', bob);
    await claim('z', ada);
    expect(await claimed(bob, 'z')).toEqual({
      processes: ['config', 'push', 'fetch', 'cat-file'],
      roundTrips: ['push', 'fetch'],
    });
  });

  test('several at once, a release and a renewal cost no more', async () => {
    const remote = await testRemote(transport);
    const [ada] = (await clones(remote, 'ada')).map(optionsFor) as [ClaimsOptions];
    expect((await costOf(remote, (env) => claim(['1', '2', '3'], { ...ada, env }))).processes).toEqual([
      'config',
      'fetch',
      'push',
    ]);
    expect((await costOf(remote, (env) => renew(undefined, { ...ada, env }))).processes).toEqual([
      'config',
      'push',
    ]);
    expect((await costOf(remote, (env) => release(['1', '2'], { ...ada, env }))).processes).toEqual([
      'config',
      'push',
    ]);
  });

  test('1000 claims are listed with one fetch', { timeout: 60_000 }, async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    const ids = Array.from({ length: 1000 }, (_, index) => `task-${index}`);
    expect((await claim(ids, ada)).outcome).toBe('claimed');
    const cost = await costOf(remote, async (env) => {
      const { claims, broken } = await list({ ...bob, env });
      expect([claims.length, broken.length]).toEqual([1000, 0]);
    });
    expect(cost).toEqual({ processes: ['config', 'fetch', 'cat-file'], roundTrips: ['fetch'] });
  });
});
