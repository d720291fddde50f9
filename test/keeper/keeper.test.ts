import { describe, expect, test } from 'vitest';

import type { Grant } from '../../src/core/backend.js';
import type { Renewal, RenewalOutcome } from '../../src/core/lease.js';
import { LeaseCell } from '../../src/keeper/cell.js';
import { createKeeper } from '../../src/keeper/index.js';
import { systemClock } from '../../src/host/clock.js';
import { leaseClock } from '../../src/host/lease-clock.js';
import { eventually } from '../support/processes.js';

const HOLD = { resource: 'r', backend: 'b', holderId: 'h' };
const DURATION_MS = 300;

/** A renewal on the owner's loop that answers what it is told to, and notes what is asked of it. */
class Scripted implements Renewal {
  readonly calls: string[] = [];
  answer: () => Promise<RenewalOutcome> = () => Promise.resolve('extended');

  async renew(): Promise<RenewalOutcome> {
    this.calls.push('renew');
    const outcome = await this.answer();
    this.calls.push('settled');
    return outcome;
  }

  release(isLost: boolean): Promise<void> {
    this.calls.push(isLost ? 'clear' : 'release');
    return Promise.resolve();
  }
}

async function keep(renewal: Scripted | { module: URL; state: unknown }, ageMs = 0): Promise<Grant> {
  const asked: Grant = {
    lease: { durationMs: DURATION_MS, deadline: leaseClock.now() + DURATION_MS - ageMs, renewal },
    check: () => undefined,
    onLost: () => undefined,
    release: () => undefined,
  };
  return createKeeper(systemClock, leaseClock).arm(asked, HOLD);
}

describe('a kept lease', () => {
  test('goes on while it is extended, through failures and unknown outcomes', async () => {
    const renewal = new Scripted();
    const answers: (() => Promise<RenewalOutcome>)[] = [
      () => Promise.reject(new Error('no answer')),
      () => Promise.resolve('again'),
    ];
    renewal.answer = () => (answers.shift() ?? (() => Promise.resolve('extended')))();
    const grant = await keep(renewal);
    const startedAt = leaseClock.now();
    await eventually(
      'three durations pass',
      () => leaseClock.now() - startedAt > 3 * DURATION_MS || undefined,
    );
    expect(grant.check(0)).toBeUndefined();
    await grant.release();
    expect(renewal.calls.at(-1)).toBe('release');
  });

  test('is lost for the reason that its renewal gives, and told once', async () => {
    const renewal = new Scripted();
    renewal.answer = () => Promise.resolve('taken');
    const grant = await keep(renewal);
    const told: string[] = [];
    grant.onLost((reason) => told.push(reason));
    await eventually('the loss', () => told.length > 0 || undefined);
    expect(grant.check(0)).toBe('taken');
    await grant.release();
    expect(told).toEqual(['taken']);
    expect(renewal.calls).toEqual(['renew', 'settled', 'clear']);
  });

  test('INV-LEASE-7 is lost at its deadline when nothing is known, and a late success does not bring it back', async () => {
    const renewal = new Scripted();
    let finish: (outcome: RenewalOutcome) => void = () => undefined;
    renewal.answer = () => new Promise((resolve) => (finish = resolve));
    const grant = await keep(renewal);
    const told: string[] = [];
    grant.onLost((reason) => told.push(reason));
    await eventually('the loss', () => told.length > 0 || undefined);
    finish('extended');
    await eventually('the late answer', () => renewal.calls.includes('settled') || undefined);
    expect(grant.check(0)).toBe('expired');
    expect(told).toEqual(['expired']);
  });

  test('is released only after the renewal under way has settled', async () => {
    const renewal = new Scripted();
    let finish: (outcome: RenewalOutcome) => void = () => undefined;
    renewal.answer = () => new Promise((resolve) => (finish = resolve));
    const grant = await keep(renewal);
    await eventually('a renewal', () => renewal.calls.includes('renew') || undefined);
    const released = grant.release();
    finish('extended');
    await released;
    expect(renewal.calls).toEqual(['renew', 'settled', 'release']);
  });

  test('whose store hangs is released by its deadline at the latest, with an error', async () => {
    const renewal = new Scripted();
    renewal.answer = () => new Promise(() => undefined);
    const grant = await keep(renewal);
    await eventually('a renewal', () => renewal.calls.includes('renew') || undefined);
    await expect(grant.release()).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
  });

  test('that is over before it could be armed is not given out', async () => {
    await expect(keep(new Scripted(), DURATION_MS)).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
  });

  test('whose renewal module cannot be loaded is not given out', async () => {
    const missing = { module: new URL('file:///nowhere/renewal.js'), state: null };
    await expect(keep(missing)).rejects.toThrow(/nowhere/);
  });
});

describe('the shared cell', () => {
  test('tells margin and end, and the first end stands', () => {
    const cell = LeaseCell.create(1_000);
    expect([cell.check(400, 500), cell.check(400, 600)]).toEqual([undefined, 'expired']);
    expect(cell.lossReason).toBeUndefined();
    expect(cell.end('taken')).toBe('taken');
    cell.extend(9_000);
    expect([cell.check(400, 0), cell.end('expired')]).toEqual(['taken', 'taken']);
  });

  test('says that it was released, which no loss is, and a loss says so first', () => {
    const released = LeaseCell.create(1_000);
    released.release();
    expect([released.isReleased, released.lossReason]).toEqual([true, undefined]);
    const lost = LeaseCell.create(1_000);
    lost.end('taken');
    lost.release();
    expect([lost.isReleased, lost.lossReason]).toEqual([false, 'taken']);
  });
});
