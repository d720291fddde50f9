import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { cli, cliJson } from '../support/cli.js';
import { clones, testRemote } from '../support/git-remotes.js';

const LIBRARY = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  .map((directory) => `${directory}/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** The wall clock only: what CLOCK_MONOTONIC and CLOCK_BOOTTIME say stays true. */
function skewed(by: string): NodeJS.ProcessEnv {
  if (LIBRARY === undefined) throw new Error('libfaketime is not installed; see scripts/apt-packages.txt');
  return { LD_PRELOAD: LIBRARY, FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' };
}

describe.each(['-1h', '+1y'])('INV-GIT-7: a clock %s', (by) => {
  test('the confirmed holder keeps its claim, and later claims work', { timeout: 90_000 }, async () => {
    const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
    const env = skewed(by);
    expect((await cli(ada, ['claim', 'x'])).code).toBe(0);
    expect((await cli(bob, ['claim', 'x'], { env })).code).toBe(75);
    // A year by bob's calendar: still not stale.
    await cli(bob, ['claims'], { env: skewed('+0') });
    expect((await cli(bob, ['claims', 'steal', 'x'], { env })).code).toBe(75);
    expect((await cli(ada, ['claims', 'check', 'x'])).code).toBe(0);
    expect((await cli(bob, ['claim', 'y'], { env })).code).toBe(0);
    expect((await cli(ada, ['claim', 'y'])).code).toBe(75);
    expect((await cli(bob, ['claims', 'renew'], { env })).code).toBe(0);
    expect((await cli(bob, ['unclaim', 'y'], { env })).code).toBe(0);
    expect((await cli(ada, ['claim', 'y'])).code).toBe(0);
    const { claims } = await cliJson<{ claims: { id: string; agent: string }[] }>(bob, ['claims'], { env });
    expect(claims.map(({ id, agent }) => [id, agent])).toEqual([
      ['x', 'ada'],
      ['y', 'ada'],
    ]);
  });
});
