import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { check, claim, list, release, renew, type ClaimsOptions } from '../../src/claims/index.js';
import {
  clones,
  GIT_ENV,
  multiply,
  optionsFor,
  served,
  testRemote,
  TRANSPORTS,
  type TestRemote,
} from '../support/git-remotes.js';
import { roundTripsIn, takeGitProcesses } from '../support/git-trace.js';

interface Cost {
  /** Without "config", which runs only when the clone's configuration is new, or was changed moments ago. */
  readonly processes: string[];
  readonly roundTrips: string[];
}

async function costOf(remote: TestRemote, run: (env: NodeJS.ProcessEnv) => Promise<unknown>): Promise<Cost> {
  const trace = join(remote.directory, `trace-${Math.random()}`);
  await run({ ...GIT_ENV, GIT_TRACE2_EVENT: trace });
  const all = takeGitProcesses(trace);
  expect(all.length).toBeLessThanOrEqual(6);
  expect(all.lastIndexOf('config')).toBeLessThanOrEqual(0);
  const processes = all.filter((name) => name !== 'config');
  return { processes, roundTrips: roundTripsIn(processes) };
}

describe.each(TRANSPORTS)('INV-GIT-8: at most 2 round trips and 6 processes, over %s', (transport) => {
  const PUSHED = { processes: ['push'], roundTrips: ['push'] };
  const REFUSED = { processes: ['push', 'fetch', 'cat-file'], roundTrips: ['push', 'fetch'] };
  const SEEN = { processes: ['fetch', 'cat-file'], roundTrips: ['fetch'] };
  const TAKEN_OVER = { processes: ['fetch', 'cat-file', 'push'], roundTrips: ['fetch', 'push'] };

  async function team(): Promise<{
    ada: ClaimsOptions;
    bob: ClaimsOptions;
    claimed(who: ClaimsOptions, id: string, outcome: string): Promise<Cost>;
  }> {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    const claimed = (who: ClaimsOptions, id: string, outcome: string): Promise<Cost> =>
      costOf(remote, async (env) => expect((await claim(id, { ...who, env })).outcome).toBe(outcome));
    return { ada, bob, claimed };
  }

  test('a new id, one that is held, one that its holder takes again, and one that others released', async () => {
    const { ada, bob, claimed } = await team();
    expect(await claimed(ada, 'x', 'claimed')).toEqual(PUSHED);
    expect(await claimed(bob, 'x', 'contended'), 'never heard of').toEqual(REFUSED);
    expect(await claimed(bob, 'x', 'contended'), 'seen before').toEqual(SEEN);
    expect(await claimed(ada, 'x', 'already-held')).toEqual(SEEN);
    await release('x', ada);
    expect(await claimed(bob, 'x', 'claimed')).toEqual(TAKEN_OVER);
    await release('x', bob);
    expect(await claimed(ada, 'x', 'claimed'), 'taken and released by others').toEqual(TAKEN_OVER);
    await release('x', ada);
    expect(await claimed(ada, 'x', 'claimed'), 'released by oneself').toEqual(TAKEN_OVER);
  });

  test('one that was seen not to be there, and one that somebody took since then', async () => {
    const { ada, bob, claimed } = await team();
    await check('y', ada);
    expect(await claimed(ada, 'y', 'claimed')).toEqual(PUSHED);
    await check('z', bob);
    await claim('z', ada);
    expect(await claimed(bob, 'z', 'contended')).toEqual(REFUSED);
  });

  test('not kept: an id that others took and released, and of which this clone never heard', async () => {
    const { ada, bob, claimed } = await team();
    await claim('x', ada);
    await release('x', ada);
    expect((await claimed(bob, 'x', 'claimed')).roundTrips).toEqual(['push', 'fetch', 'push']);
    await claim('y', ada);
    await release('y', ada);
    await list(bob);
    expect(await claimed(bob, 'y', 'claimed'), 'heard of by a listing').toEqual(TAKEN_OVER);
  });

  test('several at once, a release and a renewal cost no more', async () => {
    const remote = await testRemote(transport);
    const [ada] = (await clones(remote, 'ada')).map(optionsFor) as [ClaimsOptions];
    expect((await costOf(remote, (env) => claim(['1', '2', '3'], { ...ada, env }))).processes).toEqual([
      'push',
    ]);
    expect((await costOf(remote, (env) => renew(undefined, { ...ada, env }))).processes).toEqual(['push']);
    expect((await costOf(remote, (env) => release(['1', '2'], { ...ada, env }))).processes).toEqual(['push']);
  });
});

test('1000 claims are listed with one fetch, over each transport', async () => {
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
