import { sleep } from '../../platform/clock.js';
import { check, rejectsWith, soon, timing, withClients } from '../check.js';
import { race } from '../contenders.js';
import { overlapsOf } from '../intervals.js';
import { always, isBetweenProcesses, roundsFor, type ConformanceCase } from '../subject.js';

export const exclusionCases: readonly ConformanceCase[] = [
  {
    id: 'EXCL-1',
    law: 'an exclusive hold excludes a second one of the same program',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const guard = await client.acquire(resource);
        check((await client.tryAcquire(resource)) === undefined, 'a second exclusive try was granted');
        await guard.release();
        const next = await client.tryAcquire(resource);
        check(next !== undefined, 'a free lock was refused');
        await next.release();
      }),
  },
  {
    id: 'EXCL-2',
    law: 'an exclusive hold excludes another program',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        check((await b.tryAcquire(resource)) === undefined, 'another program was granted a held lock');
        await rejectsWith(b.acquire(resource, { timeoutMs: 0 }), 'HOLDFAST_CONTENDED');
        await guard.release();
        await (await b.acquire(resource, { timeoutMs: 0 })).release();
      }),
  },
  {
    id: 'EXCL-3',
    law: 'holds of four processes never overlap',
    appliesTo: isBetweenProcesses,
    run: async (subject) => {
      const rounds = roundsFor(subject, 25);
      const order = { mode: 'exclusive', rounds, holdMs: 1 } as const;
      const intervals = await race(subject, subject.newResource(), [order, order, order, order]);
      check(intervals.length === 4 * rounds, `${intervals.length} of ${4 * rounds} holds were recorded`);
      const overlaps = overlapsOf(intervals);
      check(overlaps.length === 0, `${overlaps.length} overlaps, the first: ${JSON.stringify(overlaps[0])}`);
    },
  },
  {
    id: 'EXCL-4',
    law: 'two resources have nothing to do with each other',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const guards = await soon(
          Promise.all([a.acquire(subject.newResource()), b.acquire(subject.newResource())]),
          'two holds on two resources',
        );
        await Promise.all(guards.map((guard) => guard.release()));
      }),
  },
  {
    id: 'EXCL-5',
    law: 'a hundred callers of one program hold one after the other, each of them once',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        let holding = 0;
        let overlaps = 0;
        let holds = 0;
        const contend = async (): Promise<void> => {
          const guard = await client.acquire(resource, { timeoutMs: Infinity });
          if (++holding > 1) overlaps++;
          holds++;
          await sleep(0);
          holding--;
          await guard.release();
        };
        const count = roundsFor(subject, 100);
        await soon(
          Promise.all(Array.from({ length: count }, contend)),
          'a hold for each caller',
          6 * timing.hangMs,
        );
        check(
          overlaps === 0 && holds === count,
          `${overlaps} overlaps in ${holds} holds of ${count} callers`,
        );
      }),
  },
];
