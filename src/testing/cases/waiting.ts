import { check, elapsedMs, rejectsWith, soon, stays, timing, withClients } from '../check.js';
import { sleep } from '../../platform/clock.js';
import { always, roundsFor, type ConformanceCase } from '../subject.js';

/** Enough for a server to answer once on a busy machine: before its first answer, a deadline is another error. */
const timeoutMs = (): number => 4 * timing.quiescentMs;

export const waitingCases: readonly ConformanceCase[] = [
  {
    id: 'WAIT-1',
    law: 'a waiter waits while the lock is held, and gets it when it is released',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        const waiting = b.acquire(resource, { timeoutMs: Infinity });
        await stays(waiting, 'a waiter was granted a held lock');
        await guard.release();
        await (await soon(waiting, 'the grant after a release')).release();
      }),
  },
  {
    id: 'WAIT-2',
    law: 'a wait ends at its deadline, with an error that says so',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        const waitedMs = await elapsedMs(() =>
          rejectsWith(b.acquire(resource, { timeoutMs: timeoutMs() }), 'HOLDFAST_TIMEOUT'),
        );
        check(waitedMs >= timeoutMs() - 5, `it gave up after ${waitedMs} ms of ${timeoutMs()} ms`);
        await guard.release();
        // A waiter that gave up must have left nothing behind.
        await (
          await soon(a.acquire(resource, { timeoutMs: Infinity }), 'the lock after a timeout')
        ).release();
      }),
  },
  {
    id: 'WAIT-3',
    law: 'the deadline counts from the call, however often the lock changes hands meanwhile',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const stop = new AbortController();
        let guard = await a.acquire(resource);
        const churn = (async () => {
          while (!stop.signal.aborted) {
            await sleep(50);
            const next = a.acquire(resource, { timeoutMs: Infinity });
            await guard.release();
            guard = await next;
          }
        })();
        // The waiter may be granted in between: then it holds, and there was no deadline to meet. The error itself is
        // the subject of WAIT-2.
        const waiting = b.acquire(resource, { timeoutMs: timeoutMs() }).then(
          (granted) => granted.release(),
          () => undefined,
        );
        await soon(waiting, 'the end of a wait while others take turns');
        stop.abort();
        await soon(churn, 'the end of the churn');
        await guard.release();
      }),
  },
  {
    id: 'WAIT-4',
    law: 'an abort ends a wait at once and leaves nothing behind',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        const guard = await a.acquire(resource);
        const controller = new AbortController();
        const waiting = b.acquire(resource, { timeoutMs: Infinity, signal: controller.signal });
        await stays(waiting, 'a waiter was granted a held lock');
        const reason = new Error('changed my mind');
        controller.abort(reason);
        const error = await rejectsWith(waiting, 'HOLDFAST_CANCELED');
        check(
          error.name === 'AbortError' && error.cause === reason,
          'the error does not carry the reason of the abort',
        );
        await guard.release();
        await (await soon(a.acquire(resource, { timeoutMs: Infinity }), 'the lock after an abort')).release();
      }),
  },
  {
    id: 'WAIT-5',
    law: 'an abort that meets the grant ends in a hold or in none, never in one without an owner',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        for (let round = 0; round < roundsFor(subject, 25); round++) {
          const guard = await soon(
            a.acquire(resource, { timeoutMs: Infinity }),
            `the lock of round ${round}`,
          );
          const controller = new AbortController();
          const waiting = b.acquire(resource, { timeoutMs: Infinity, signal: controller.signal }).then(
            (granted) => granted.release(),
            () => undefined,
          );
          await sleep(round % 5);
          const released = guard.release();
          if (round % 3 === 0) await released;
          if (round % 2 === 0) await sleep(round % 4);
          controller.abort();
          await soon(Promise.all([released, waiting]), 'the end of a canceled wait');
        }
        await (await soon(a.acquire(resource, { timeoutMs: Infinity }), 'the lock in the end')).release();
      }),
  },
  {
    id: 'WAIT-6',
    law: 'a signal that is aborted already takes nothing',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 2, async (a, b) => {
        const resource = subject.newResource();
        await rejectsWith(a.acquire(resource, { signal: AbortSignal.abort() }), 'HOLDFAST_CANCELED');
        const guard = await b.tryAcquire(resource);
        check(guard !== undefined, 'a canceled call holds the lock');
        await guard.release();
      }),
  },
  {
    id: 'FIFO-1',
    law: 'the callers of one program are served in the order in which they asked',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const guard = await client.acquire(resource);
        const order: number[] = [];
        const waiting = Array.from({ length: 8 }, async (_, index) => {
          const own = await client.acquire(resource, { timeoutMs: Infinity });
          order.push(index);
          await own.release();
        });
        await guard.release();
        await soon(Promise.all(waiting), 'eight grants');
        check(order.join() === '0,1,2,3,4,5,6,7', `the order was ${order.join()}`);
      }),
  },
  {
    id: 'ARGS-1',
    law: 'arguments that are wrong are refused at once, and nothing is held',
    appliesTo: always,
    run: (subject) =>
      withClients(subject, 1, async (client) => {
        const resource = subject.newResource();
        const wrong = [
          { timeoutMs: -1 },
          { timeoutMs: NaN },
          { timeoutMs: '5' },
          { timeout: 5 },
          { mode: 'write' },
        ];
        for (const options of wrong) {
          const outcome = await soon(
            Promise.resolve()
              .then(() => client.acquire(resource, options as object))
              .catch((error: unknown) => error),
            `an answer to ${JSON.stringify(options)}`,
          );
          const isRefused = outcome instanceof TypeError || outcome instanceof RangeError;
          check(isRefused, `${JSON.stringify(options)} was taken`);
        }
        await (await soon(client.acquire(resource), 'a grant afterwards')).release();
      }),
  },
];
