import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { describe, expect, onTestFinished, test } from 'vitest';

import { acquire, tryAcquire } from '../../src/core/acquisition.js';
import type { Backend, Grant } from '../../src/core/backend.js';
import type { LossReason } from '../../src/core/lease.js';
import { Namespace, type LeaseKeeper } from '../../src/core/namespace.js';
import { resolveOptions } from '../../src/core/options.js';
import { InventedClock } from '../models/invented-clock.js';

/** A hold whose fate the test decides. */
class Fate implements Grant {
  readonly fencingToken = 7n;
  reason: LossReason | undefined;
  marginMs = Infinity;
  releases = 0;
  releaseError: Error | undefined;
  lose: (reason: LossReason) => void = () => undefined;

  check(marginMs: number): LossReason | undefined {
    return this.reason ?? (marginMs > this.marginMs ? 'expired' : undefined);
  }
  onLost(listener: (reason: LossReason) => void): void {
    this.lose = listener;
  }
  async release(): Promise<void> {
    this.releases++;
    if (this.releaseError !== undefined) throw this.releaseError;
  }
}

async function held() {
  const fate = new Fate();
  const clock = new InventedClock();
  const backend: Backend = {
    name: 'fate',
    capabilities: { modes: ['exclusive'], reach: 'network', orphan: 'expires', fencing: true },
    tryAcquire: () => ({ kind: 'granted', grant: fate }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'fate:r' };
  const guard = await acquire(target, resolveOptions({}, true));
  const retry = () => tryAcquire(target, resolveOptions({}, true));
  return { fate, guard, clock, retry };
}

/** Everything that is published on a channel during the test. */
function heard(channel: string): unknown[] {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push({ ...(message as object) });
  subscribe(channel, listener);
  onTestFinished(() => void unsubscribe(channel, listener));
  return messages;
}

test('a try whose signal aborts while its renewal starts is canceled, and holds nothing', async () => {
  const fate = new Fate();
  const abort = new AbortController();
  const backend: Backend = {
    name: 'fate',
    capabilities: { modes: ['exclusive'], reach: 'network', orphan: 'expires', fencing: true },
    tryAcquire: () => ({
      kind: 'granted',
      grant: Object.assign(fate, {
        lease: {
          durationMs: 1_000,
          deadline: 1_000,
          renewal: { renew: never, release: () => Promise.resolve() },
        },
      }),
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const keeper: LeaseKeeper = {
    startRenewal: (grant) => {
      abort.abort();
      return Promise.resolve(grant);
    },
    whenReady: () => Promise.resolve(),
  };
  const target = {
    namespace: new Namespace(backend, new InventedClock(), keeper),
    resource: 'r',
    address: 'fate:r',
  };
  const call = tryAcquire(target, resolveOptions({ signal: abort.signal }, true));
  await expect(call).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
  expect(fate.releases).toBe(1);
});

const never = (): Promise<never> => new Promise(() => undefined);

describe('a guard', () => {
  test('says what it is a proof of', async () => {
    const { guard } = await held();
    expect(guard).toMatchObject({
      address: 'fate:r',
      mode: 'exclusive',
      fencingToken: 7n,
      isReleased: false,
    });
    expect(guard.holderId).toMatch(/^[a-z2-7]{26}$/);
    guard.assertHeld();
    expect(guard.lost.aborted).toBe(false);
  });

  test('is released once, whatever comes of it', async () => {
    const { guard, fate } = await held();
    await Promise.all([guard.release(), guard.release()]);
    await guard[Symbol.asyncDispose]();
    expect(fate.releases).toBe(1);
    expect(guard.isReleased).toBe(true);
    expect(guard.lost.aborted).toBe(false);
    expect(() => guard.assertHeld()).toThrow(/this guard was released/);
  });

  test('tells of a failed release each time it is asked, and lets the next one in', async () => {
    const { guard, fate, retry } = await held();
    fate.releaseError = new Error('the server is away');
    await expect(guard.release()).rejects.toThrow('the server is away');
    await expect(guard.release()).rejects.toThrow('the server is away');
    expect(fate.releases).toBe(1);
    expect(await retry()).toBeDefined();
  });

  test('that is lost stays lost, says why, and is released without an error', async () => {
    const { guard, fate, retry } = await held();
    const { lost } = guard;
    fate.lose('taken');
    expect(lost.aborted).toBe(true);
    expect(lost.reason).toMatchObject({ code: 'HOLDFAST_LOST', lossReason: 'taken' });
    expect(() => guard.assertHeld()).toThrow(/another process took it/);
    // Somebody else here may have it now: the release of the lost one must not make room a second time.
    const successor = await retry();
    await guard.release();
    expect(await retry()).toBeUndefined();
    await successor?.release();
  });

  test('that was lost before anybody listened is lost to those who listen later', async () => {
    const { guard, fate } = await held();
    fate.lose('session-ended');
    expect(guard.lost.aborted).toBe(true);
    expect(guard.lost.reason).toMatchObject({ lossReason: 'session-ended' });
  });

  test('is lost by a proof that fails, even when nobody told', async () => {
    const { guard, fate } = await held();
    fate.reason = 'record-missing';
    expect(() => guard.assertHeld()).toThrow(/its record was removed or replaced/);
    fate.reason = undefined;
    expect(() => guard.assertHeld()).toThrow(/its record was removed or replaced/);
    expect(guard.lost.aborted).toBe(true);
  });

  test('without the margin asked for is not lost: the next renewal brings it back', async () => {
    const { guard, fate } = await held();
    fate.marginMs = 1_000;
    guard.assertHeld({ marginMs: 500 });
    expect(() => guard.assertHeld({ marginMs: 5_000 })).toThrow(/for 5 s more/);
    expect(guard.lost.aborted).toBe(false);
    guard.assertHeld();
  });
});

describe('holdfast:hold', () => {
  test('publishes one start and one end, released or lost', async () => {
    const starts = heard('tracing:holdfast:hold:start');
    const ends = heard('tracing:holdfast:hold:asyncEnd');
    const first = await held();
    first.clock.advance(40);
    await first.guard.release();
    const second = await held();
    second.fate.lose('expired');
    await second.guard.release();
    const base = { lock: 'fate:r', resource: 'fate:r', backend: 'fate', mode: 'exclusive' };
    expect(starts).toEqual([
      { ...base, holderId: first.guard.holderId },
      { ...base, holderId: second.guard.holderId },
    ]);
    expect(ends).toEqual([
      { ...base, holderId: first.guard.holderId, heldMs: 40, outcome: 'released' },
      { ...base, holderId: second.guard.holderId, heldMs: 0, outcome: 'lost', lossReason: 'expired' },
    ]);
  });
});
