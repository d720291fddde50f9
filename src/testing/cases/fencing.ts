import { check, withClients } from '../check.js';
import { race, startContender } from '../contenders.js';
import { isBetweenProcesses, roundsFor, type ConformanceCase, type Subject } from '../subject.js';

const hasTokens = ({ capabilities }: Subject): boolean => capabilities.fencing;

export const fencingCases: readonly ConformanceCase[] = [
  {
    id: 'FENCE-1',
    law: 'each exclusive hold has a token above all before it, over release and over programs',
    appliesTo: hasTokens,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        let last = -1n;
        for (const client of [a, b, a, a, b]) {
          const guard = await client.acquire(resource, { fencing: true });
          const token = guard.fencingToken;
          check(token !== undefined, 'a hold has no token');
          check(token > last, `token ${token} follows ${last}`);
          last = token;
          await guard.release();
        }
      }),
  },
  {
    id: 'FENCE-2',
    law: 'tokens of competing processes rise in the order of their holds',
    appliesTo: (subject) => hasTokens(subject) && isBetweenProcesses(subject),
    run: async (subject) => {
      const rounds = roundsFor(subject, 10);
      const order = { mode: 'exclusive', rounds } as const;
      const intervals = await race(subject, subject.newResource(), [order, order, order]);
      const ordered = intervals.toSorted((x, y) => x.from - y.from);
      check(ordered.length === 3 * rounds, `${ordered.length} of ${3 * rounds} holds were recorded`);
      for (const [index, interval] of ordered.entries()) {
        const before = ordered[index - 1];
        check(interval.token !== undefined, 'a hold has no token');
        check(
          before?.token === undefined || BigInt(before.token) < BigInt(interval.token),
          `token ${interval.token} follows ${before?.token}`,
        );
      }
    },
  },
  {
    id: 'FENCE-3',
    law: 'tokens rise over the death of a holder',
    appliesTo: (subject) =>
      hasTokens(subject) && subject.capabilities.orphan !== 'stays' && isBetweenProcesses(subject),
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const holder = startContender(subject, { resource, mode: 'exclusive', task: 'hold' });
        const { token } = await holder.next('held');
        await holder.kill('SIGKILL');
        const guard = await client.acquire(resource, { fencing: true, timeoutMs: Infinity });
        check(token !== undefined && guard.fencingToken !== undefined, 'a hold has no token');
        check(guard.fencingToken > BigInt(token), `token ${guard.fencingToken} follows ${token}`);
        await guard.release();
      }),
  },
];
