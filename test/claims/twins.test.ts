import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import {
  Arbiter,
  claimedChange,
  deadlineIn,
  publish,
  refOfClaim,
  type Change,
  type Outcome,
} from '../../src/backends/git/index.js';
import { systemClock } from '../../src/platform/clock.js';
import { cli, eventsOf } from '../support/cli.js';
import {
  clones,
  git,
  GIT_ENV,
  serverHook,
  testRemote,
  TRANSPORTS,
  type TestRemote,
} from '../support/git-remotes.js';
import { wallClock } from '../support/wall-clock.js';

const WALL_MS = Date.UTC(2026, 0, 1);
/** A clock on the wall that stands still, so that the two commits have the same times. */
const clock = { ...systemClock, wallNow: () => WALL_MS };
const TAKER = { agent: 'ada', holderId: 'the-same', staleAfterMs: 60_000, reason: 'the same' };

/** Lets both pushes in before either may go on: each has seen that there is no branch yet. */
async function meetAtServer(remote: TestRemote): Promise<void> {
  await serverHook(
    remote,
    'pre-receive',
    'echo in >> met\nfor i in $(seq 1000); do [ $(wc -l < met) -ge 2 ] && exit 0; sleep 0.02; done; exit 1',
  );
}

/** Publishes a change each from two clones at once. */
async function race(remote: TestRemote, changes: readonly Change[]): Promise<(Outcome | undefined)[]> {
  await meetAtServer(remote);
  const paths = await clones(remote, 'one', 'two');
  return Promise.all(
    paths.map(async (cwd, index) => {
      // The same committer in both.
      await git(cwd, 'config', 'user.name', 'twin');
      await git(cwd, 'config', 'user.email', 'twin@example.org');
      const arbiter = await Arbiter.open(
        { cwd, remote: 'origin', env: GIT_ENV },
        {
          clock,
          timeline: { bootId: 'boot', timeNamespace: 1, now: () => systemClock.now() },
          exclusively: (_path, _deadline, fn) => fn(),
        },
      );
      const deadline = deadlineIn(30_000, clock, undefined);
      const change = changes[index] as Change;
      return arbiter.use(deadline, async (store) => (await publish(store, [change])).get(change.ref));
    }),
  );
}

function claimOf(): Change {
  return claimedChange('x', refOfClaim('x'), { oid: '', generation: 0 }, TAKER, WALL_MS);
}

describe.each(TRANSPORTS)('two contenders with identical content at once over %s', (transport) => {
  test('INV-GIT-1: agent, hold, reason and times the same: one wins', async () => {
    const remote = await testRemote(transport);
    const outcomes = await race(remote, [claimOf(), claimOf()]);
    expect(readFileSync(join(remote.path, 'met'), 'utf8').match(/in/g)?.length).toBeGreaterThanOrEqual(2);
    expect(outcomes.map((outcome) => outcome?.kind).sort()).toEqual(['landed', 'moved']);
    expect(await git(remote.path, 'rev-list', '--count', refOfClaim('x'))).toBe('1');
  });

  test('the broken way, without a nonce: the commits are one and both win', async () => {
    const same = claimOf();
    const outcomes = await race(await testRemote(transport), [same, same]);
    expect(outcomes.map((outcome) => outcome?.kind)).toEqual(['landed', 'landed']);
  });

  test('two commands of one agent in one second: one has claimed it, for the other it is elsewhere', async () => {
    const remote = await testRemote(transport);
    await meetAtServer(remote);
    const paths = await clones(remote, 'one', 'two');
    const env = { HOLDFAST_AGENT: 'ada', ...wallClock('2026-01-01 00:00:00') };
    const results = await Promise.all(
      paths.map((path) => cli(path, ['claim', 'x', '--reason', 'the same'], { env })),
    );
    expect(results.map(({ code }) => code).sort()).toEqual([0, 75]);
    expect(results.map(({ stderr }) => stderr).join('')).toMatch(
      /^contended: x is claimed by ada .*--take-over/,
    );
    expect(await eventsOf(paths[0] as string, 'x')).toEqual(['claimed']);
  });
});
