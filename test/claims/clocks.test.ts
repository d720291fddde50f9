import { describe, expect, test } from 'vitest';

import { cli, cliJson } from '../support/cli.js';
import { clones, testRemote, transportsFor } from '../support/git-remotes.js';
import { wallClock } from '../support/wall-clock.js';

const ROWS = [
  ...transportsFor('daemon').map((transport) => ['-1h', transport] as const),
  ...transportsFor('http').map((transport) => ['+1y', transport] as const),
];

describe.each(ROWS)('INV-GIT-7: a clock %s over %s', (by, transport) => {
  test('the confirmed holder keeps its claim, and later claims work', async () => {
    const [ada = '', bob = ''] = await clones(await testRemote(transport), 'ada', 'bob');
    const env = wallClock(by);
    expect((await cli(ada, ['claim', 'x'])).code).toBe(0);
    expect((await cli(bob, ['claim', 'x'], { env })).code).toBe(75);
    // A year by bob's calendar: still not stale.
    await cli(bob, ['claims'], { env: wallClock('+0') });
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
