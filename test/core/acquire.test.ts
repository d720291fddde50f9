import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { describe, expect, onTestFinished, test } from 'vitest';

import { acquire, tryAcquire } from '../../src/core/acquisition.js';
import { acquireSync } from '../../src/core/acquire-sync.js';
import type { Grant } from '../../src/core/backend.js';
import { LockLostError } from '../../src/core/errors.js';
import type { AcquireEvent, WaitEvent } from '../../src/core/events.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions, type LockOptions } from '../../src/core/options.js';
import { createMemoryBackend } from '../../src/backends/memory/index.js';
import { InventedClock, settle } from '../models/invented-clock.js';
import { ModelBackend, type Kind } from '../models/model-backend.js';

function setUp(kind: Kind = 'queues') {
  const clock = new InventedClock();
  const backend = new ModelBackend(kind);
  const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'model:r' };
  const take = (options: LockOptions = {}) => acquire(target, resolveOptions(options, false));
  const attempt = (options: LockOptions = {}) => tryAcquire(target, resolveOptions(options, false));
  return { clock, backend, target, take, attempt };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: { code?: string }) => error.code,
  );

describe('acquire', () => {
  test('counts one deadline over queueing, waiting and the work of the backend', async () => {
    const { clock, backend, take } = setUp();
    backend.setForeign('exclusive');
    const first = codeOf(take({ timeoutMs: 300 }));
    const second = codeOf(take({ timeoutMs: 500 }));
    await settle();
    clock.advance(299);
    await settle();
    expect(backend.waiting).toBe(1);
    clock.advance(1);
    expect(await first).toBe('HOLDFAST_TIMEOUT');
    // The second came to the head only now; its deadline has been running all the time.
    clock.advance(199);
    await settle();
    expect(backend.waiting).toBe(1);
    clock.advance(1);
    expect(await second).toBe('HOLDFAST_TIMEOUT');
    expect(clock.armed).toBe(0);
  });

  test('ends at the deadline although the backend has not answered, and gives back what comes later', async () => {
    const { clock, backend, take } = setUp('slow');
    const call = codeOf(take({ timeoutMs: 100 }));
    clock.advance(100);
    expect(await call).toBe('HOLDFAST_TIMEOUT');
    backend.answerNext();
    await settle();
    expect(backend.holders.size).toBe(0);
  });

  test.each([0, 50])(
    'with %d ms names who the attempt said is in the way, without asking again',
    async (timeoutMs) => {
      const clock = new InventedClock();
      const { waitAcquire: _, ...memory } = createMemoryBackend();
      const namespace = new Namespace(
        {
          ...memory,
          tryAcquire: () =>
            Promise.resolve({
              kind: 'contended',
              holders: [{ state: 'holder', mode: 'exclusive', command: 'ada' }],
            }),
          // A network that is slower than an error may be.
          inspect: () => new Promise(() => undefined),
        },
        clock,
      );
      const target = { namespace, resource: 'r', address: 'model:r' };
      const failing = acquire(target, resolveOptions({ timeoutMs }, false)).catch((error: unknown) => error);
      await settle();
      clock.advance(timeoutMs);
      await settle();
      clock.advance(1_000);
      expect(await failing).toMatchObject({ message: expect.stringContaining('held by ada') as string });
    },
  );

  test('tries once with timeoutMs 0, and then arms nothing', async () => {
    const { clock, backend, take } = setUp();
    backend.setForeign('shared');
    expect(await codeOf(take({ timeoutMs: 0 }))).toBe('HOLDFAST_CONTENDED');
    expect(backend.waiting).toBe(0);
    expect(clock.armed).toBe(0);
    await (await take({ timeoutMs: 0, mode: 'shared' })).release();
  });

  test('waits for ever with Infinity', async () => {
    const { clock, backend, take } = setUp();
    backend.setForeign('exclusive');
    const call = take({ timeoutMs: Infinity });
    await settle();
    expect(clock.armed).toBe(0);
    clock.advance(1e12);
    backend.setForeign(undefined);
    await (await call).release();
  });

  test('asks a polled backend again, ever less often', async () => {
    const { clock, backend, take } = setUp('polled');
    backend.setForeign('exclusive');
    const call = take({ timeoutMs: Infinity });
    for (let n = 0; n < 20; n++) {
      await settle();
      clock.advance(1_000);
    }
    backend.setForeign(undefined);
    await settle();
    clock.advance(1_000);
    await (await call).release();
  });

  test('takes nothing with a signal that is aborted already', async () => {
    const { backend, take, attempt } = setUp();
    const options = { signal: AbortSignal.abort(new Error('why')) };
    await expect(take(options)).rejects.toMatchObject({ name: 'AbortError', cause: { message: 'why' } });
    expect(await codeOf(attempt(options))).toBe('HOLDFAST_CANCELED');
    expect(backend.holders.size).toBe(0);
  });

  test('an abort after the grant changes nothing', async () => {
    const { take } = setUp();
    const stop = new AbortController();
    const guard = await take({ signal: stop.signal });
    stop.abort();
    guard.assertHeld();
    await guard.release();
  });

  test('many waits on one signal make no warning of a leak', async () => {
    const warnings: string[] = [];
    const listener = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    const { backend, take } = setUp();
    backend.setForeign('exclusive');
    const stop = new AbortController();
    const calls = Array.from({ length: 50 }, () => codeOf(take({ signal: stop.signal })));
    await settle();
    stop.abort();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['HOLDFAST_CANCELED']));
    await settle();
    expect(warnings).toEqual([]);
  });

  test('a mode that the backend does not have is refused, never replaced', async () => {
    const { target } = setUp();
    const backend = createMemoryBackend({ entries: new Map(), lastToken: 0n });
    const exclusiveOnly = {
      ...backend,
      capabilities: { ...backend.capabilities, modes: ['exclusive' as const] },
    };
    const namespace = new Namespace(exclusiveOnly, new InventedClock());
    const call = acquire({ ...target, namespace }, resolveOptions({ mode: 'shared' }, false));
    await expect(call).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
  });

  test('a hold that is lost before it is handed out is asked for again, also when it cannot be put away', async () => {
    const { backend, target } = setUp();
    const { tryAcquire: real } = Object.getPrototypeOf(backend) as ModelBackend;
    let count = 0;
    backend.tryAcquire = (request) => {
      const attempt = real.call(backend, request);
      if (!('kind' in attempt) || attempt.kind !== 'granted') throw new Error('expected to be free');
      const lease = { durationMs: 1_000, deadline: 1_000 } as never;
      const release = async (): Promise<void> => {
        await attempt.grant.release();
        if (count === 1) throw new Error('did not confirm it');
      };
      return { kind: 'granted', grant: { ...attempt.grant, release, lease } };
    };
    const keeper = {
      startRenewal: (grant: Grant): Grant => {
        if (++count === 1) throw new LockLostError('too late', {});
        return grant;
      },
      whenReady: () => Promise.resolve(),
    };
    const namespace = new Namespace(backend, new InventedClock(), keeper);
    const guard = await acquire({ ...target, namespace }, resolveOptions({ timeoutMs: 300 }, false));
    expect(count).toBe(2);
    await guard.release();
  });

  test('an error of the backend is passed on at once, and the next caller asks again', async () => {
    const { backend, take } = setUp();
    const failure = new Error('EACCES');
    const { tryAcquire: real } = Object.getPrototypeOf(backend) as ModelBackend;
    backend.tryAcquire = () => {
      throw failure;
    };
    await expect(take()).rejects.toBe(failure);
    backend.tryAcquire = real;
    await (await take()).release();
  });
});

describe('tryAcquire', () => {
  test('resolves with undefined if the lock is held, in this process or another', async () => {
    const { backend, take, attempt } = setUp();
    const guard = await take({ mode: 'shared' });
    expect(await attempt()).toBeUndefined();
    await guard.release();
    backend.setForeign('exclusive');
    expect(await attempt({ mode: 'shared' })).toBeUndefined();
  });

  test('of a reader does not pass a waiting writer; one beside other readers is granted', async () => {
    const { take, attempt } = setUp();
    const guard = await take({ mode: 'shared' });
    await (await attempt({ mode: 'shared' }))?.release();
    const writer = take({ mode: 'exclusive' });
    await settle();
    expect(await attempt({ mode: 'shared' })).toBeUndefined();
    await guard.release();
    await (await writer).release();
    expect(await attempt({ mode: 'shared' })).toBeDefined();
  });
});

describe('onWait', () => {
  const listen = () => {
    const told: WaitEvent[] = [];
    return {
      told,
      types: () => told.map(({ type }) => type),
      onWait: (event: WaitEvent) => void told.push(event),
    };
  };

  test('hears nothing when there is no wait', async () => {
    const { take } = setUp();
    const { told, onWait } = listen();
    await (await take({ onWait })).release();
    expect(told).toEqual([]);
  });

  test('hears the start at once, progress each second, and how it ended', async () => {
    const { clock, backend, take } = setUp();
    const { told, types, onWait } = listen();
    backend.setForeign('exclusive');
    const call = take({ onWait, timeoutMs: 60_000 });
    await settle();
    expect(types()).toEqual(['started']);
    clock.advance(2_500);
    expect(types()).toEqual(['started', 'progress', 'progress']);
    expect(told[2]).toMatchObject({
      address: 'model:r',
      mode: 'exclusive',
      waitedMs: 2_000,
      timeoutMs: 60_000,
    });
    expect(await told[2]?.inspect()).toEqual([]);
    backend.setForeign(undefined);
    await (await call).release();
    expect(types().at(-1)).toBe('acquired');
    expect(clock.armed).toBe(0);
  });

  test('hears progress every 10 s once a minute has passed', async () => {
    const { clock, backend, take } = setUp();
    const { types, onWait } = listen();
    backend.setForeign('exclusive');
    const call = take({ onWait, timeoutMs: Infinity });
    await settle();
    clock.advance(60_000);
    expect(types()).toHaveLength(1 + 60);
    clock.advance(60_000);
    expect(types()).toHaveLength(1 + 60 + 6);
    backend.setForeign(undefined);
    await (await call).release();
  });

  test.each(['timeout', 'canceled'] as const)('hears of %s', async (end) => {
    const { clock, backend, take } = setUp();
    const { types, onWait } = listen();
    const stop = new AbortController();
    backend.setForeign('exclusive');
    const call = codeOf(take({ onWait, timeoutMs: 10, signal: stop.signal }));
    if (end === 'timeout') clock.advance(10);
    else stop.abort();
    await call;
    expect(types()).toEqual(['started', end]);
  });

  test('may end the very hold that is in the way', async () => {
    const { take } = setUp();
    const guard = await take();
    const call = take({
      timeoutMs: Infinity,
      onWait: ({ type }) => void (type === 'started' && guard.release()),
    });
    await (await call).release();
  });

  test('that throws is uncaught in its own name, and decides over no hold', async () => {
    // The runner's own listeners would count it as a failure of the test.
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught: unknown[] = [];
    process.on('uncaughtException', (error) => void uncaught.push(error));
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    const { backend, take } = setUp();
    const mistake = new Error('mine');
    backend.setForeign('exclusive');
    const call = take({
      onWait: () => {
        throw mistake;
      },
    });
    await settle();
    backend.setForeign(undefined);
    await (await call).release();
    await settle();
    expect(uncaught).toEqual([mistake, mistake]);
    expect(backend.holders.size).toBe(0);
  });

  test('is told of a wait that begins in the pause after a hold, if somebody else goes first', async () => {
    const { clock, target, take } = setUp();
    const queue = target.namespace.queueFor('r');
    queue.pause();
    const first = take({ timeoutMs: Infinity });
    const { types, onWait } = listen();
    const second = take({ onWait, timeoutMs: Infinity });
    expect(types()).toEqual([]);
    queue.resume();
    const guard = await first;
    clock.takeTurns();
    expect(types()).toEqual(['started']);
    await guard.release();
    await (await second).release();
    expect(types()).toEqual(['started', 'acquired']);
  });

  test('is not told of the pause itself', async () => {
    const { clock, target, take } = setUp();
    const queue = target.namespace.queueFor('r');
    queue.pause();
    const { types, onWait } = listen();
    const call = take({ onWait });
    queue.resume();
    const guard = await call;
    clock.takeTurns();
    expect(types()).toEqual([]);
    await guard.release();
  });
});

describe('holdfast:acquire', () => {
  test('publishes the outcome of each call and how long it took', async () => {
    const ended: AcquireEvent[] = [];
    const listener = (event: unknown): void => void ended.push({ ...(event as AcquireEvent) });
    subscribe('tracing:holdfast:acquire:asyncEnd', listener);
    onTestFinished(() => void unsubscribe('tracing:holdfast:acquire:asyncEnd', listener));
    const { clock, backend, take, attempt } = setUp();
    await (await take()).release();
    backend.setForeign('exclusive');
    await attempt();
    const late = codeOf(take({ timeoutMs: 70 }));
    clock.advance(70);
    await late;
    await codeOf(take({ timeoutMs: 0 }));
    await codeOf(take({ signal: AbortSignal.abort() }));
    expect(ended.map(({ outcome, waitedMs }) => [outcome, waitedMs])).toEqual([
      ['acquired', 0],
      ['contended', 0],
      ['timeout', 70],
      ['contended', 0],
      ['canceled', 0],
    ]);
  });
});

test('acquireSync is refused by a backend that cannot block a thread', () => {
  const { target } = setUp();
  expect(() => acquireSync(target, resolveOptions({}, false))).toThrow(/cannot block a thread/);
});
