import { expect, test } from 'vitest';

import { systemClock } from '../../src/platform/clock.js';
import { contest } from '../../src/verify/checks/contest.js';
import type { CheckContext } from '../../src/verify/checks/context.js';
import type { Contact } from '../../src/verify/contact.js';
import type { Asked } from '../../src/verify/party-locks.js';

/** Three who take turns at a lock that `grants` keeps. */
function compete(grants: { take(): Promise<Asked>; giveBack(): void }, believes = true) {
  const parties = [{}, {}, {}] as Contact[];
  return contest(
    { clock: systemClock } as CheckContext,
    parties,
    () => grants.take(),
    async () => grants.giveBack(),
    async () => believes,
    { rounds: 5, withinMs: 5_000 },
  );
}

/** One at a time, in the order of asking. */
function fairLock(nextToken: () => string) {
  const waiters: (() => void)[] = [];
  let isHeld = false;
  return {
    take: async (): Promise<Asked> => {
      if (isHeld) await new Promise<void>((resolve) => waiters.push(resolve));
      isHeld = true;
      return { kind: 'held', token: nextToken() };
    },
    giveBack: () => {
      const next = waiters.shift();
      if (next === undefined) isHeld = false;
      else next();
    },
  };
}

test('a lock that excludes passes', async () => {
  let token = 0;
  expect(await compete(fairLock(() => String(++token)))).toEqual({
    holds: 15,
    overlaps: 0,
    isShared: true,
    hasOrder: true,
    failures: [],
  });
});

test('a lock that lets everybody in is found out', async () => {
  const open = { take: async (): Promise<Asked> => ({ kind: 'held' }), giveBack: () => undefined };
  expect((await compete(open)).overlaps).toBeGreaterThan(5);
  // Who knows that it lost does no harm.
  expect((await compete(open, false)).overlaps).toBe(0);
});

test('a token that comes again is found out', async () => {
  let token = 0;
  expect((await compete(fairLock(() => String(Math.min(++token, 7))))).hasOrder).toBe(false);
});

test('a lock that fails ends the contest', async () => {
  const broken: Asked = { kind: 'failed', code: 'HOLDFAST_IO', fact: 'no' };
  const { holds, failures } = await compete({ take: async () => broken, giveBack: () => undefined });
  expect([holds, failures]).toEqual([0, ['no']]);
});
