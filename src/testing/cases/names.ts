import { check, withClients } from '../check.js';
import type { ConformanceCase, Subject } from '../subject.js';

const hasAliases = (subject: Subject): boolean => subject.aliasesOf !== undefined;

/** A resource that was held once, so that it exists, and its other names. */
async function named(subject: Subject): Promise<readonly string[]> {
  const resource = subject.newResource();
  await withClients(subject, 1, async (client) => (await client.acquire(resource)).release());
  return [resource, ...((await subject.aliasesOf?.(resource)) ?? [])];
}

export const nameCases: readonly ConformanceCase[] = [
  {
    id: 'NAME-1',
    law: 'two names of one lock exclude each other',
    appliesTo: hasAliases,
    run: async (subject) => {
      const names = await named(subject);
      check(names.length > 1, 'no other name was given');
      for (const held of names) {
        await withClients(subject, 2, async (a, b) => {
          const guard = await a.acquire(held);
          for (const other of names) {
            check((await b.tryAcquire(other)) === undefined, `"${other}" was granted beside "${held}"`);
          }
          await guard.release();
        });
      }
    },
  },
  {
    id: 'NAME-2',
    law: 'tokens rise whichever name the lock is acquired by',
    appliesTo: (subject) => hasAliases(subject) && subject.capabilities.fencing,
    run: async (subject) => {
      const names = await named(subject);
      await withClients(subject, 2, async (...clients) => {
        let last = -1n;
        for (let round = 0; round < 3 * names.length; round++) {
          const client = clients[round % clients.length] ?? clients[0];
          const guard = await client.acquire(names[round % names.length] as string, { fencing: true });
          const token = guard.fencingToken ?? -1n;
          await guard.release();
          check(token > last, `token ${token} follows ${last}`);
          last = token;
        }
      });
    },
  },
  {
    id: 'NAME-3',
    law: 'two spellings of an address reach one lock',
    appliesTo: (subject) => subject.createAliasClient !== undefined,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const other = await subject.createAliasClient?.();
        check(other !== undefined, 'the subject has no client of another spelling');
        try {
          const resource = subject.newResource();
          for (const [first, second] of [
            [client, other],
            [other, client],
          ] as const) {
            const guard = await first.acquire(resource);
            const beside = await second.tryAcquire(resource);
            check(beside === undefined, 'another spelling of the address was granted a held lock');
            await guard.release();
          }
        } finally {
          await other.dispose();
        }
      }),
  },
];
