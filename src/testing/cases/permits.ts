import { sleep } from '../../platform/clock.js';
import { check, soon, withClients } from '../check.js';
import type { ConformanceCase, Subject } from '../subject.js';

const hasPermits = ({ capabilities }: Subject): boolean => capabilities.permits === true;
const PERMITS = { permits: 3 };

export const permitCases: readonly ConformanceCase[] = [
  {
    id: 'PERMIT-1',
    law: 'as many holders as there are permits, and one more for each that is released',
    appliesTo: hasPermits,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const held = [await a.acquire(resource, PERMITS), await b.acquire(resource, PERMITS)];
        held.push(await a.acquire(resource, PERMITS));
        check((await b.tryAcquire(resource, PERMITS)) === undefined, 'one more than the permits was granted');
        await held[0]?.release();
        const next = await soon(b.acquire(resource, PERMITS), 'the grant of a released permit');
        check((await a.tryAcquire(resource, PERMITS)) === undefined, 'a released permit was granted twice');
        for (const guard of [...held.slice(1), next]) await guard.release();
      }),
  },
  {
    id: 'PERMIT-2',
    law: 'of many contenders as many hold at once as there are permits, and never more',
    appliesTo: hasPermits,
    run: (subject) =>
      withClients(subject, 2, async (...clients) => {
        const resource = subject.newResource();
        let holding = 0;
        let most = 0;
        const contend = async (_: unknown, n: number): Promise<void> => {
          const client = clients[n % clients.length] ?? clients[0];
          const guard = await client.acquire(resource, { ...PERMITS, timeoutMs: Infinity });
          most = Math.max(most, ++holding);
          await sleep(20);
          holding--;
          await guard.release();
        };
        await soon(Promise.all(Array.from({ length: 12 }, contend)), 'a permit for each contender');
        check(most === PERMITS.permits, `${most} held at once, with ${PERMITS.permits} permits`);
      }),
  },
];
