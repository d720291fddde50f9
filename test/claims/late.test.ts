import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

import {
  check,
  claim,
  forceRelease,
  history,
  release,
  renew,
  steal,
  type ClaimsOptions,
} from '../../src/claims/index.js';
import { acquire, type Guard } from '../../src/index.js';
import { clones, optionsFor, serverHook, testRemote, type Transport } from '../support/git-remotes.js';
import { serverProcessesOf } from '../support/git-servers.js';
import { eventually } from '../support/processes.js';

// Over a path a push dies with its pusher.
const SERVED: readonly Transport[] = process.env['HOLDFAST_SOAK'] === '1' ? ['daemon', 'http'] : ['daemon'];

/** Of pushes that come while the server still has the first one. */
const THEN = {
  refused: 'exit 1',
  taken: 'exit 0',
  takenAfterIt: '{ touch go; for i in $(seq 1000); do [ -e landed ] && exit 0; sleep 0.02; done; exit 1; }',
};

const FORCED = { force: true, reason: 'test' } as const;

interface Late {
  readonly ada: ClaimsOptions;
  /** Another agent in the same clone. */
  readonly eve: ClaimsOptions;
  readonly eventsAtLast: () => Promise<(string | undefined)[]>;
  /** Starts something, and gives up on it once the server has its push and holds on to it. */
  giveUp(start: (signal: AbortSignal) => Promise<unknown>): Promise<void>;
  /** The server goes on, and ends. */
  letGo(): Promise<void>;
}

async function late(
  transport: Transport,
  then: string,
  prepare?: (ada: ClaimsOptions, bob: ClaimsOptions) => Promise<unknown>,
): Promise<Late> {
  const remote = await testRemote(transport);
  const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
  await prepare?.(ada, bob);
  await serverHook(
    remote,
    'pre-receive',
    `echo run >> runs; [ $(wc -l < runs) -eq 1 ] || ${then}; for i in $(seq 1000); do [ -e go ] && exit 0; sleep 0.02; done; exit 1`,
  );
  // Not post-receive: without anybody to report to, a server does not get that far.
  await serverHook(remote, 'reference-transaction', '[ "$1" = committed ] && touch landed; exit 0');
  return {
    ada,
    eve: { ...ada, agent: 'eve' },
    eventsAtLast: async () => (await history('x', bob)).map(({ event }) => event).reverse(),
    async giveUp(start) {
      rmSync(join(remote.path, 'runs'), { force: true });
      const abort = new AbortController();
      const given = expect(start(abort.signal)).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
      await eventually('the server has the push', () => existsSync(join(remote.path, 'runs')));
      abort.abort();
      await given;
    },
    async letGo() {
      expect(serverProcessesOf(remote)).not.toEqual([]);
      writeFileSync(join(remote.path, 'go'), '');
      // Its end is what there is to see, whatever became of its push.
      await eventually('the server is done', () => serverProcessesOf(remote).length === 0);
    },
  };
}

describe.each(SERVED)(
  'INV-GIT-5: a push that the server over %s has when its pusher gives up',
  (transport) => {
    test('is not forgotten when a second try is refused', async () => {
      const { ada, eventsAtLast, giveUp, letGo } = await late(transport, THEN.refused);
      await giveUp((signal) => claim('x', { ...ada, signal }));
      expect((await claim('x', ada)).items).toMatchObject([
        { outcome: 'unconfirmed', cause: expect.stringContaining('hook declined') as string },
      ]);
      await letGo();
      expect(await eventsAtLast()).toEqual(['claimed']);
      expect((await claim('x', ada)).items[0]?.claim?.isMine).toBe(true);
    });

    test('is told of by check and renew, and kept out by a release', async () => {
      const { ada, eventsAtLast, giveUp, letGo } = await late(transport, THEN.taken);
      await giveUp((signal) => claim('x', { ...ada, signal }));
      expect((await check('x', ada))[0]?.outcome).toBe('unconfirmed');
      expect((await renew('x', ada))[0]?.outcome).toBe('unconfirmed');
      expect((await renew(undefined, ada))[0]?.outcome).toBe('unconfirmed');
      expect((await release('x', ada))[0]?.outcome).toBe('released');
      await letGo();
      expect(await eventsAtLast()).toEqual(['released']);
    });

    test('is kept out by a release by force', async () => {
      const { ada, eve, eventsAtLast, giveUp, letGo } = await late(transport, THEN.taken);
      await giveUp((signal) => claim('x', { ...ada, signal }));
      expect((await forceRelease('x', { ...eve, reason: 'test' }))[0]?.outcome).toBe('released');
      await letGo();
      expect(await eventsAtLast()).toEqual(['forced']);
    });

    test('is released where it lands before the release', async () => {
      const { ada, eventsAtLast, giveUp } = await late(transport, THEN.takenAfterIt);
      await giveUp((signal) => claim('x', { ...ada, signal }));
      expect((await release('x', ada))[0]?.outcome).toBe('released');
      expect(await eventsAtLast()).toEqual(['claimed', 'released']);
    });

    test('is ended where it lands before a release by force', async () => {
      const { eve, eventsAtLast, giveUp } = await late(transport, THEN.takenAfterIt, (_, bob) =>
        claim('x', bob),
      );
      await giveUp((signal) => steal('x', { ...eve, ...FORCED, signal }));
      expect((await check('x', eve))[0]?.outcome).toBe('unconfirmed');
      expect((await release('x', eve))[0]?.outcome).toBe('unconfirmed');
      expect((await forceRelease('x', { ...eve, reason: 'test' }))[0]?.outcome).toBe('released');
      expect(await eventsAtLast()).toEqual(['claimed', 'stolen', 'forced']);
    });

    test.each([
      ['released', async (ada: ClaimsOptions) => (await release('x', ada))[0]?.outcome],
      ['renewed', async (ada: ClaimsOptions) => (await renew('x', ada))[0]?.outcome],
    ] as const)('is not %s where it is a steal by another agent of the clone', async (_, doNext) => {
      const { ada, eve, eventsAtLast, giveUp } = await late(transport, THEN.takenAfterIt, (ada) =>
        claim('x', ada),
      );
      await giveUp((signal) => steal('x', { ...eve, ...FORCED, signal }));
      expect(await doNext(ada)).toBe('lost');
      expect(await eventsAtLast()).toEqual(['claimed', 'stolen']);
      expect((await check('x', eve))[0]?.outcome).toBe('held');
    });

    test('is not released where it took the hold of a process', async () => {
      let guard: Guard | undefined;
      const { eve, eventsAtLast, giveUp } = await late(transport, THEN.takenAfterIt, async (ada) => {
        vi.spyOn(process, 'cwd').mockReturnValue(ada.cwd as string);
        guard = await acquire('git:origin#x');
      });
      await giveUp((signal) => steal('x', { ...eve, ...FORCED, signal }));
      await guard?.release();
      vi.restoreAllMocks();
      expect(await eventsAtLast()).toEqual(['claimed', 'stolen']);
    });

    test('is followed by a claim, whether the claim or the release before it landed', async () => {
      const { ada, eventsAtLast, giveUp } = await late(transport, THEN.takenAfterIt);
      await giveUp((signal) => claim('x', { ...ada, signal }));
      await giveUp((signal) => release('x', { ...ada, signal }));
      expect((await claim('x', ada)).items[0]).toMatchObject({
        outcome: 'claimed',
        claim: { isMine: true },
      });
      expect([['claimed'], ['released', 'claimed']]).toContainEqual(await eventsAtLast());
    });
  },
);
