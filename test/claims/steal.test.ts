import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { check, claim, history, list, renew, steal, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import { clones, optionsFor, testRemote, transportsFor, type Transport } from '../support/git-remotes.js';

const STALE_MS = 400;

async function three(transport: Transport = 'path'): Promise<[string, string, string]> {
  return (await clones(await testRemote(transport), 'ada', 'bob', 'cyd')) as [string, string, string];
}

test.each(transportsFor('daemon'))(
  'over %s a live claim is not stolen without force and a reason',
  async (transport) => {
    const [ada, bob] = await three(transport);
    await cli(ada, ['claim', 'x']);
    const refused = await cli(bob, ['claims', 'steal', 'x', '--stale-after', '0s']);
    expect([refused.code, refused.stderr]).toEqual([75, expect.stringContaining('ada has it')]);
    expect((await cli(bob, ['claims', 'steal', 'x', '--force'])).code).toBe(64);
    expect((await cli(ada, ['claims', 'check', 'x'])).code).toBe(0);
    const taken = await cli(bob, ['claims', 'steal', 'x', '--force', '--reason', 'ada is on leave']);
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining('stolen x from ada')]);
  },
);

test.each(transportsFor('http'))(
  'INV-GIT-6: a stale one over %s: the thief is seen, the victim is told, its release frees nothing, the generation is up',
  async (transport) => {
    const [ada, bob, cyd] = await three(transport);
    const stale = ['--stale-after', `${STALE_MS}ms`];
    const [asAda, asBob, asCyd] = [ada, bob, cyd].map(optionsFor) as [
      ClaimsOptions,
      ClaimsOptions,
      ClaimsOptions,
    ];
    const before = await claim('x', { ...asAda, staleAfterMs: STALE_MS });
    // What a clone has not seen for long enough is not stale for it, whatever the record's dates say.
    await delay(STALE_MS);
    expect((await cli(bob, ['claims', 'steal', 'x', ...stale])).code).toBe(75);
    await delay(STALE_MS);
    expect((await list({ ...asBob, staleAfterMs: STALE_MS })).claims[0]).toMatchObject({ isStale: true });
    const taken = await steal('x', { ...asBob, staleAfterMs: STALE_MS });
    expect(taken).toMatchObject({ outcome: 'stolen', previous: { agent: 'ada' } });
    expect(taken.claim?.generation).toBeGreaterThan(before.items[0]?.claim?.generation ?? 0n);
    expect((await list(asCyd)).claims).toMatchObject([{ id: 'x', agent: 'bob' }]);
    for (const words of [
      ['claims', 'check', 'x'],
      ['claims', 'renew'],
      ['unclaim', 'x'],
    ]) {
      const told = await cli(ada, words);
      expect([told.code, told.stderr], words.join(' ')).toEqual([76, expect.stringContaining('lost')]);
    }
    expect((await check('x', asBob))[0]?.outcome).toBe('held');
    // Told; from here on it is plainly somebody else's.
    expect((await cli(ada, ['claim', 'x'])).code).toBe(75);
    expect((await history('x', asCyd)).map(({ event, agent }) => [event, agent])).toEqual([
      ['stolen', 'bob'],
      ['claimed', 'ada'],
    ]);
  },
);

test('the victim that claims again is told first', async () => {
  const [ada, bob] = await three();
  await claim('x', optionsFor(ada));
  await steal('x', { ...optionsFor(bob), force: true, reason: 'test' });
  expect((await claim('x', optionsFor(ada))).outcome).toBe('lost');
  expect((await claim('x', optionsFor(ada))).outcome).toBe('contended');
});

test('what is stolen keeps its branch, so that the pre-push hook goes on guarding it', async () => {
  const [ada, bob] = await three();
  await claim('x', { ...optionsFor(ada), branch: 'parser' });
  const { claim: taken } = await steal('x', { ...optionsFor(bob), force: true, reason: 'test' });
  expect(taken?.branch).toBe('parser');
  const again = await steal('x', { ...optionsFor(ada), force: true, reason: 'test', branch: 'own' });
  expect(again.claim?.branch).toBe('own');
});

test('a renewal is a sign of life', async () => {
  const [ada, bob] = await three();
  const asBob = { ...optionsFor(bob), staleAfterMs: STALE_MS };
  await claim('x', { ...optionsFor(ada), staleAfterMs: STALE_MS });
  await list(asBob);
  await delay(STALE_MS);
  await renew(undefined, optionsFor(ada));
  await expect(steal('x', asBob)).rejects.toMatchObject({ code: 'HOLDFAST_CONTENDED' });
});

test('the holder may ask for more patience than the thief has', async () => {
  const [ada, bob] = await three();
  const asBob = { ...optionsFor(bob), staleAfterMs: 1 };
  await claim('x', optionsFor(ada));
  await list(asBob);
  await delay(20);
  await expect(steal('x', asBob)).rejects.toMatchObject({ code: 'HOLDFAST_CONTENDED' });
});

test('of ten thieves one wins', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `thief-${index}`);
  const [ada = '', ...thieves] = await clones(await testRemote(), 'ada', ...names);
  await claim('x', optionsFor(ada));
  // By force all of them may; each expects the tip it has seen, so that only one can follow it.
  const results = await Promise.all(
    thieves.map((thief) => steal('x', { ...optionsFor(thief), force: true, reason: 'race' })),
  );
  const stolen = results.filter(({ outcome }) => outcome === 'stolen');
  const events = await history('x', optionsFor(ada));
  expect(events.filter(({ event }) => event === 'stolen').length).toBe(stolen.length);
  expect(new Set(stolen.map(({ claim: mine }) => mine?.generation)).size).toBe(stolen.length);
});
