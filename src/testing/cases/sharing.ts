import { check, rejectsWith, soon, stays, timing, withClients } from '../check.js';
import { race } from '../contenders.js';
import { overlapsOf } from '../intervals.js';
import { hasMode, isBetweenProcesses, type ConformanceCase } from '../subject.js';

export const sharingCases: readonly ConformanceCase[] = [
  {
    id: 'SHARE-1',
    law: 'shared holds stand beside each other',
    appliesTo: hasMode('shared'),
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const first = await a.acquire(resource, { mode: 'shared' });
        const second = await b.tryAcquire(resource, { mode: 'shared' });
        check(second !== undefined, 'a second shared hold was refused');
        await first.release();
        check(
          (await a.tryAcquire(resource)) === undefined,
          'exclusive was granted beside a shared hold that remained',
        );
        await second.release();
      }),
  },
  {
    id: 'SHARE-2',
    law: 'shared and exclusive exclude each other',
    appliesTo: hasMode('shared'),
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const reader = await a.acquire(resource, { mode: 'shared' });
        check((await b.tryAcquire(resource)) === undefined, 'exclusive was granted beside a shared hold');
        await reader.release();
        const writer = await a.acquire(resource);
        check(
          (await b.tryAcquire(resource, { mode: 'shared' })) === undefined,
          'shared was granted beside an exclusive hold',
        );
        await writer.release();
      }),
  },
  {
    id: 'SHARE-3',
    law: 'readers and writers of six processes never overlap where they must not',
    appliesTo: (subject) => hasMode('shared')(subject) && isBetweenProcesses(subject),
    run: async (subject) => {
      const reader = { mode: 'shared', rounds: 20, holdMs: 2 } as const;
      const writer = { mode: 'exclusive', rounds: 20, holdMs: 1 } as const;
      const orders = [reader, reader, reader, writer, writer, writer];
      const overlaps = overlapsOf(await race(subject, subject.newResource(), orders));
      check(overlaps.length === 0, `${overlaps.length} overlaps, the first: ${JSON.stringify(overlaps[0])}`);
    },
  },
  {
    id: 'SHARE-4',
    law: 'a backend without shared mode says so instead of granting exclusive',
    appliesTo: (subject) => !hasMode('shared')(subject),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        await rejectsWith(client.acquire(subject.newResource(), { mode: 'shared' }), 'HOLDFAST_UNSUPPORTED');
      }),
  },
  {
    id: 'SHARE-5',
    law: 'a try of a reader does not pass a waiting writer of the same program',
    appliesTo: hasMode('shared'),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const reader = await client.acquire(resource, { mode: 'shared' });
        const writer = client.acquire(resource);
        await stays(writer, 'exclusive was granted beside a shared hold');
        const second = await client.tryAcquire(resource, { mode: 'shared' });
        await second?.release();
        await reader.release();
        await (await soon(writer, 'the grant of the waiting writer')).release();
        check(second === undefined, 'shared was granted although a writer waited');
      }),
  },
  {
    id: 'SHARE-6',
    law: 'a try of a reader does not pass a waiting writer of another program',
    appliesTo: hasMode('shared'),
    run: (subject) =>
      withClients(subject, 3, async (a, b, ...others) => {
        const c = others[0] ?? a;
        const resource = subject.newResource();
        const reader = await a.acquire(resource, { mode: 'shared' });
        const writer = b.acquire(resource, { timeoutMs: Infinity });
        await stays(writer, 'exclusive was granted beside a shared hold');
        const second = await c.tryAcquire(resource, { mode: 'shared' });
        await second?.release();
        await reader.release();
        await (await soon(writer, 'the grant of the waiting writer')).release();
        check(second === undefined, 'shared was granted although a writer of another program waited');
      }),
  },
  {
    id: 'SHARE-7',
    law: 'a reader that reads again while a writer waits is refused at its deadline, and leaves nothing behind',
    appliesTo: hasMode('shared'),
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const reader = await a.acquire(resource, { mode: 'shared' });
        const writer = b.acquire(resource, { timeoutMs: Infinity });
        await stays(writer, 'exclusive was granted beside a shared hold');
        const nested = a.acquire(resource, { mode: 'shared', timeoutMs: 4 * timing.quiescentMs });
        await rejectsWith(nested, 'HOLDFAST_TIMEOUT');
        reader.assertHeld();
        await reader.release();
        await (await soon(writer, 'the grant of the waiting writer')).release();
        const again = await a.tryAcquire(resource, { mode: 'shared' });
        check(again !== undefined, 'a nested read that was refused left something behind');
        await again.release();
      }),
  },
];
