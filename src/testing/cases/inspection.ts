import { check, withClients } from '../check.js';
import { always, type ConformanceCase, type Subject } from '../subject.js';

export const inspectionCases: readonly ConformanceCase[] = [
  {
    id: 'INSP-1',
    law: 'a look lists the holders, and takes nothing',
    appliesTo: always,
    run: (subject: Subject) =>
      withClients(subject, 2, async (a, b) => {
        if (b.inspect === undefined) return;
        const resource = subject.newResource();
        check((await b.inspect(resource)).length === 0, 'a lock that was never held has a holder');
        const guard = await a.acquire(resource, { reason: 'to be seen' });
        const holders = (await b.inspect(resource)).filter(({ state }) => state === 'holder');
        check(holders.length === 1, `${holders.length} holders are seen instead of 1`);
        check(holders[0]?.mode === 'exclusive', `the holder is seen as ${holders[0]?.mode}`);
        guard.assertHeld();
        await guard.release();
        const after = (await b.inspect(resource)).filter(({ state }) => state === 'holder');
        check(after.length === 0, 'a released lock still has a holder');
        const next = await a.tryAcquire(resource);
        check(next !== undefined, 'the look left the lock taken');
        await next.release();
      }),
  },
];
