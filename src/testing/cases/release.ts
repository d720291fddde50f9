import { check, soon, withClients } from '../check.js';
import { always, roundsFor, type ConformanceCase } from '../subject.js';

export const releaseCases: readonly ConformanceCase[] = [
  {
    id: 'REL-1',
    law: 'release may be called again',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const guard = await client.acquire(subject.newResource());
        await guard.release();
        await guard.release();
        await guard[Symbol.asyncDispose]();
      }),
  },
  {
    id: 'REL-2',
    law: 'a late second release does not free a successor',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 3, async (a, b, c) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        await guard.release();
        const successor = await b.acquire(resource);
        await guard.release();
        check((await c?.tryAcquire(resource)) === undefined, 'the second release freed the successor');
        await successor.release();
      }),
  },
  {
    id: 'REL-3',
    law: 'a waiter and two later ones all get their turn over releases in quick succession',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 3, async (...clients) => {
        const resource = subject.newResource();
        const rounds = roundsFor(subject, 15);
        let inside = 0;
        const takeTurns = async (client: (typeof clients)[number]): Promise<void> => {
          for (let round = 0; round < rounds; round++) {
            const guard = await client.acquire(resource, { timeoutMs: Infinity });
            inside++;
            check(inside === 1, `${inside} were inside at once`);
            await Promise.resolve();
            inside--;
            await guard.release();
          }
        };
        await soon(Promise.all(clients.map(takeTurns)), 'the turns of three programs');
      }),
  },
  {
    id: 'REL-4',
    law: 'a guard knows that it was released',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const guard = await client.acquire(subject.newResource());
        guard.assertHeld();
        await guard.release();
        let hasThrown = false;
        try {
          guard.assertHeld();
        } catch {
          hasThrown = true;
        }
        check(hasThrown, 'assertHeld() passed after release');
        check(!guard.lost.aborted, 'release() was reported as a loss');
      }),
  },
];
