import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { check, claim, history, list } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import { clones, optionsFor, testRemote, transportsFor } from '../support/git-remotes.js';

const STALE_MS = 300;

test.each(transportsFor('daemon'))(
  'over %s repair ends the claim of an agent that is gone, and says so',
  async (transport) => {
    const [ada = '', bob = ''] = await clones(await testRemote(transport), 'ada', 'bob');
    const stale = ['--stale-after', `${STALE_MS}ms`];
    await claim('gone', { ...optionsFor(ada), staleAfterMs: STALE_MS });
    await list(optionsFor(bob));
    await delay(STALE_MS);
    await claim('alive', optionsFor(ada));
    const reported = await cli(bob, ['claims', 'repair', ...stale]);
    expect([reported.code, reported.stdout]).toEqual([
      65,
      expect.stringMatching(/^kept: gone: stale \(ada\): unchanged for .*\n$/),
    ]);
    const ended = await cli(bob, ['claims', 'repair', '--repair', ...stale]);
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringMatching(/^ended: gone: stale \(ada\)/)]);
    expect(await history('gone', optionsFor(ada))).toMatchObject([
      {
        event: 'forced',
        agent: 'bob',
        previousAgent: 'ada',
        reason: expect.stringMatching(/^repair: /) as string,
      },
      { event: 'claimed', agent: 'ada' },
    ]);
    expect((await check(['gone', 'alive'], optionsFor(ada))).map(({ outcome }) => outcome)).toEqual([
      'lost',
      'held',
    ]);
    expect((await cli(bob, ['claims', 'repair', ...stale])).stdout).toBe('');
  },
);
