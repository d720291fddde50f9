import { expect, test } from 'vitest';

import { acquire } from '../../src/core/acquisition.js';
import type { Attempt, Backend } from '../../src/core/backend.js';
import type { WaitEvent } from '../../src/core/events.js';
import { LockError } from '../../src/core/errors.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions } from '../../src/core/options.js';
import { createMemoryBackend } from '../../src/backends/memory/backend.js';
import { InventedClock } from '../models/invented-clock.js';

const away = new LockError('Could not reach the server.', { code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
const refused = new LockError('Wrong password.', { code: 'HOLDFAST_BACKEND_UNAVAILABLE' });

/** Answers in this order; the last one again and again. */
function setUp(...answers: readonly ('contended' | 'granted' | LockError)[]) {
  const clock = new InventedClock();
  const { waitAcquire: _, ...memory } = createMemoryBackend();
  let asked = 0;
  const holderIds = new Set<string>();
  const backend: Backend = {
    ...memory,
    isOutage: (error) => error === away,
    tryAcquire(request): Promise<Attempt> {
      holderIds.add(request.holderId);
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer instanceof LockError) return Promise.reject(answer);
      if (answer === 'contended') return Promise.resolve({ kind: 'contended' });
      const grant = { check: () => undefined, onLost: () => undefined, release: () => undefined };
      return Promise.resolve({ kind: 'granted', grant });
    },
  };
  const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'model:r' };
  const outages: boolean[] = [];
  const onWait = ({ outage }: WaitEvent): void => void outages.push(outage !== undefined);
  async function outcome(timeoutMs: number, stepsMs: readonly number[] = []): Promise<string> {
    let code: string | undefined;
    void acquire(target, resolveOptions({ timeoutMs, onWait }, false)).then(
      () => (code = 'held'),
      (error: LockError) => (code = error === away ? 'away' : error.code),
    );
    for (let turn = 0; turn < 200 && code === undefined; turn++) {
      await new Promise(setImmediate);
      clock.advance(stepsMs[turn] ?? 100);
    }
    return code ?? 'waits';
  }
  return { outcome, holderIds, asked: () => asked, outages };
}

test('a deadline before the first answer is the silence of the server, whatever timer came first', async () => {
  const clock = new InventedClock();
  const { waitAcquire: _, ...memory } = createMemoryBackend();
  const backend: Backend = {
    ...memory,
    tryAcquire: () => new Promise<Attempt>(() => undefined),
    unanswered: () => Promise.resolve(away),
  };
  const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'model:r' };
  const call = acquire(target, resolveOptions({ timeoutMs: 1 }, false));
  clock.advance(1);
  await expect(call).rejects.toBe(away);
});

test('an outage before the first answer ends the call', async () => {
  expect(await setUp(away).outcome(Infinity)).toBe('away');
});

test('an outage after an answer does not end the wait, and each attempt has an id of its own', async () => {
  const { outcome, holderIds, asked } = setUp('contended', away, away, away, 'contended', 'granted');
  expect(await outcome(Infinity)).toBe('held');
  expect(asked()).toBe(6);
  expect(holderIds.size).toBe(6);
});

test('a deadline that passes during an outage is reported as the outage', async () => {
  expect(await setUp('contended', away).outcome(5_000)).toBe('away');
});

test('so is one that passes in the turn in which the server is to be asked again', async () => {
  // Answer, pause, outage: then the pause after it and the deadline end together.
  expect(await setUp('contended', away).outcome(5_000, [100, 0, 5_000])).toBe('away');
});

test('a deadline that passes after it is a timeout', async () => {
  expect(await setUp('contended', away, 'contended').outcome(5_000)).toBe('HOLDFAST_TIMEOUT');
});

test('what only a person can mend ends the wait', async () => {
  expect(await setUp('contended', refused).outcome(Infinity)).toBe('HOLDFAST_BACKEND_UNAVAILABLE');
});

test('onWait is notified of the outage while it lasts', async () => {
  const { outcome, outages } = setUp('contended', away);
  expect(await outcome(10_000)).toBe('away');
  expect(outages[0]).toBe(false);
  expect(outages.filter(Boolean).length).toBeGreaterThan(0);
});

test('a backend knows how much time is left for it after the queue of this process', async () => {
  const clock = new InventedClock();
  const memory = createMemoryBackend();
  const lefts: (number | undefined)[] = [];
  const backend: Backend = {
    ...memory,
    tryAcquire: (request) => {
      lefts.push(request.timeoutMs);
      return memory.tryAcquire(request);
    },
  };
  const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'model:r' };
  const options = resolveOptions({ timeoutMs: 1_000 }, false);
  const first = await acquire(target, options);
  const second = acquire(target, options);
  clock.advance(400);
  await first.release();
  clock.takeTurns();
  await (await second).release();
  expect(lefts).toEqual([1_000, 600]);
});
