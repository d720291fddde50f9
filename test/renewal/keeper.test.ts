import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { beforeEach, describe, expect, test } from 'vitest';

import { LeaseBackend, NAMED_DIRECTORY } from '../../src/backends/lease/index.js';
import type { Grant } from '../../src/core/backend.js';
import { LockLostError } from '../../src/core/errors.js';
import type { Renewal, RenewalOutcome } from '../../src/core/lease.js';
import type { LeaseKeeper } from '../../src/core/namespace.js';
import { Deadlines } from '../../src/core/time.js';
import { LeaseCell } from '../../src/renewal/shared-state.js';
import { KeptHold } from '../../src/renewal/hold.js';
import { createKeeper } from '../../src/renewal/index.js';
import { systemClock } from '../../src/platform/clock.js';
import { leaseClock } from '../../src/platform/lease-clock.js';
import { clientOf } from '../../src/testing/index.js';
import { testDirectory } from '../support/directory.js';
import { statesIn } from '../support/lease.js';
import { ManualClock } from '../support/manual-clock.js';
import { eventually, start } from '../support/processes.js';
import { hangMs, machineUnit, quiescentMs } from '../support/time.js';

const HOLD = { resource: 'r', backend: 'b', holderId: 'h' };
const DURATION_MS = 300;
/** Kept by a worker thread that runs already. */
const KEPT_MS = 2_500 * machineUnit;

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

let clock = new ManualClock();
beforeEach(() => void (clock = new ManualClock()));

async function keep(renewal: Scripted, ageMs = 0): Promise<Grant> {
  const asked: Grant = {
    lease: { durationMs: DURATION_MS, deadline: clock.now() + DURATION_MS - ageMs, renewal },
    check: () => undefined,
    onLost: () => undefined,
    release: () => undefined,
  };
  return createKeeper(clock, clock).startRenewal(asked, HOLD);
}

/** The reasons of its loss, as its listener is called. */
function lossesOf(grant: Grant): string[] {
  const losses: string[] = [];
  grant.onLost((reason) => losses.push(reason));
  return losses;
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
    await clock.runUntil(() => clock.now() > 3 * DURATION_MS);
    expect(grant.check(0)).toBeUndefined();
    await grant.release();
    expect(renewal.calls.at(-1)).toBe('release');
  });

  test('is lost for the reason that its renewal gives, and told once', async () => {
    const renewal = new Scripted();
    renewal.answer = () => Promise.resolve('taken');
    const grant = await keep(renewal);
    const told = lossesOf(grant);
    await clock.runUntil(() => told.length > 0);
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
    const told = lossesOf(grant);
    await clock.runUntil(() => told.length > 0);
    expect(clock.now()).toBe(DURATION_MS);
    finish('extended');
    await clock.runUntil(() => renewal.calls.includes('settled'));
    expect(grant.check(0)).toBe('expired');
    expect(told).toEqual(['expired']);
  });

  test('is released only after the renewal under way has settled', async () => {
    const renewal = new Scripted();
    let finish: (outcome: RenewalOutcome) => void = () => undefined;
    renewal.answer = () => new Promise((resolve) => (finish = resolve));
    const grant = await keep(renewal);
    await clock.runUntil(() => renewal.calls.includes('renew'));
    const released = grant.release();
    finish('extended');
    await released;
    expect(renewal.calls).toEqual(['renew', 'settled', 'release']);
  });

  test('whose store hangs is released by its deadline at the latest, with an error', async () => {
    const renewal = new Scripted();
    renewal.answer = () => new Promise(() => undefined);
    const grant = await keep(renewal);
    await clock.runUntil(() => renewal.calls.includes('renew'));
    const released = Promise.resolve(grant.release());
    await clock.runUntilSettled(released);
    await expect(released).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
    expect(clock.now()).toBe(DURATION_MS);
  });

  test('that is over before it could be armed is not given out', async () => {
    await expect(keep(new Scripted(), DURATION_MS)).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
  });

  test('whose renewal module cannot be loaded is not given out', async () => {
    const missing = { module: new URL('file:///nowhere/renewal.js'), state: null };
    await expect(createKeeper(systemClock, leaseClock).startRenewal(grantOf(missing), HOLD)).rejects.toThrow(
      /nowhere/,
    );
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

  test('whose lease ran out before anybody looked is released without an error', async () => {
    const cell = LeaseCell.create(leaseClock.now() + 10);
    const context = { clock: systemClock, leaseClock, deadlines: new Deadlines(systemClock) };
    const asked: Grant = { check: () => undefined, onLost: () => undefined, release: () => undefined };
    const release = async (): Promise<void> => {
      cell.release();
      await eventually('a turn or two', () => leaseClock.now() > cell.deadline + 30 || undefined);
    };
    const grant = new KeptHold(cell, context).grant(asked, {
      release,
      abandon: () => undefined,
      publish: () => undefined,
    });
    while (leaseClock.now() <= cell.deadline);
    await expect(grant.release()).resolves.toBeUndefined();
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

/** A renewal module for the worker, written in place. */
function moduleOf(code: string): { module: URL; state: unknown } {
  return { module: new URL(`data:text/javascript,${encodeURIComponent(code)}`), state: null };
}

/** A renewal module that counts what it does where the owner sees it: renews, or dies soon after it was loaded. */
function counting(what: 'renew' | 'die'): { renewal: { module: URL; state: unknown }; count(): number } {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const body = {
    renew: `({ ...kept, renew: async () => { Atomics.add(counter, 0, 1); return 'extended' } })`,
    die: `(setTimeout(() => { Atomics.add(counter, 0, 1); throw new Error('planted') }, 50), kept)`,
  }[what];
  const code = `const kept = { ${EXTENDS} }; export const openRenewal = (counter) => ${body}`;
  return { renewal: { ...moduleOf(code), state: counter }, count: () => Atomics.load(counter, 0) };
}

const EXTENDS = `renew: async () => 'extended', release: async () => undefined`;
/** Nothing of the thread runs any more, as in a call to a dead file server. */
const FOREVER = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';

/** Resolves with when the loss was told, by the lease clock. */
async function lossOf(grant: Grant): Promise<{ reason: string; atMs: number }> {
  return new Promise((resolve) => {
    grant.onLost((reason) => resolve({ reason, atMs: leaseClock.now() }));
  });
}

function grantOf(
  renewal: { module: URL; state: unknown },
  onRelease: () => void = () => undefined,
  durationMs = KEPT_MS,
): Grant {
  return {
    lease: { durationMs, deadline: leaseClock.now() + durationMs, renewal },
    check: () => undefined,
    onLost: () => undefined,
    release: onRelease,
  };
}

/** A keeper whose worker thread runs: how long one takes to start is no part of what follows. */
async function runningKeeper(): Promise<LeaseKeeper> {
  const keeper = createKeeper(systemClock, leaseClock);
  const first = grantOf(
    moduleOf(`export const openRenewal = () => ({ ${EXTENDS} })`),
    () => undefined,
    hangMs,
  );
  await (await keeper.startRenewal(first, HOLD)).release();
  return keeper;
}

describe.concurrent('a worker thread that', () => {
  test('dies tells no lies: its holder learns of the loss at its deadline, and the next lease is kept by a new one', async () => {
    const keeper = await runningKeeper();
    await keeper.startRenewal(grantOf(moduleOf(`export const openRenewal = () => ({ ${EXTENDS} })`)), HOLD);
    let released = 0;
    const asked = grantOf(
      moduleOf('export const openRenewal = () => ({ renew: () => process.exit(3) })'),
      () => {
        released++;
      },
    );
    const grant = await keeper.startRenewal(asked, HOLD);
    const deadline = asked.lease!.deadline;
    const { reason, atMs } = await lossOf(grant);
    expect(reason).toBe('expired');
    expect(atMs - deadline).toBeGreaterThanOrEqual(-1);
    expect(grant.check(0)).toBe('expired');
    await grant.release();
    // Lost is lost: nothing is released in its name.
    expect(released).toBe(0);
    const { renewal, count } = counting('renew');
    const next = await keeper.startRenewal(
      grantOf(renewal, () => undefined, 4 * KEPT_MS),
      HOLD,
    );
    await eventually('the new thread renews', () => count() > 0);
    expect(next.check(0)).toBeUndefined();
    await next.release();
  });

  test('dies of an uncaught error does not take the process along, and its holds are given back by their owner', async () => {
    let released = 0;
    const onRelease = (): void => void released++;
    const dying = counting('die');
    const grant = await createKeeper(systemClock, leaseClock).startRenewal(
      grantOf(dying.renewal, onRelease, hangMs),
      HOLD,
    );
    await eventually('the thread dies', () => dying.count() > 0);
    await delay(quiescentMs);
    expect(grant.check(0)).toBeUndefined();
    await grant.release();
    expect(released).toBe(1);
  });

  test('is stuck costs its leases at their deadlines, and holds nobody up longer', async () => {
    const keeper = await runningKeeper();
    const asked = grantOf(moduleOf(`export const openRenewal = () => ({ renew: () => { ${FOREVER} } })`));
    const grant = await keeper.startRenewal(asked, HOLD);
    expect((await lossOf(grant)).reason).toBe('expired');
    // Another lease cannot be armed any more; its caller hears of that within the lease.
    const other = grantOf(moduleOf(`export const openRenewal = () => ({ ${EXTENDS} })`));
    await expect(keeper.startRenewal(other, HOLD)).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    await grant.release();
  });

  test('starts slowly gives out no lease that is about to end', async () => {
    const durationMs = 9_000; // An owner waits 10 s for a worker, not longer.
    const slow = moduleOf(
      `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${0.52 * durationMs}); export const openRenewal = () => ({ ${EXTENDS} })`,
    );
    const grant = await createKeeper(systemClock, leaseClock).startRenewal(
      grantOf(slow, () => undefined, durationMs),
      HOLD,
    );
    expect(grant.check(durationMs / 3)).toBeUndefined();
    await grant.release();
  });

  test('starts too slowly for the lease gives none out, and says so by its end', async () => {
    const slow = moduleOf(
      `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900); export const openRenewal = () => ({ ${EXTENDS} })`,
    );
    const asked = grantOf(slow, () => undefined, DURATION_MS);
    await expect(createKeeper(systemClock, leaseClock).startRenewal(asked, HOLD)).rejects.toMatchObject({
      code: 'HOLDFAST_LOST',
    });
  });
});

test('a stuck worker does not keep a process alive, nor does the release that it never answers', async () => {
  const child = start(process.execPath, [fileURLToPath(new URL('stuck-worker.mjs', import.meta.url))]);
  const [, code] = await child.line(/^(\S+)$/);
  expect(code).toBe('HOLDFAST_IO');
  expect(await child.exited).toMatchObject({ code: 0, signal: null });
});

describe('a lease that ended before its renewal was under way', () => {
  /** Like a thread that is slow to start: the first lease is over before it is there. */
  function lateOnce(): LeaseKeeper {
    const keeper = createKeeper(systemClock, leaseClock);
    let isFirst = true;
    return {
      startRenewal: (grant, hold) => {
        if (!isFirst) return keeper.startRenewal(grant, hold);
        isFirst = false;
        return Promise.reject(new LockLostError('late', { resource: hold.resource, lossReason: 'expired' }));
      },
      whenReady: () => keeper.whenReady(),
    };
  }

  test.each(['acquire', 'tryAcquire'] as const)('is freed and asked for again by %s', async (name) => {
    const path = join(testDirectory(), 'lock');
    const client = clientOf(new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock), lateOnce());
    const since = leaseClock.now();
    const guard = await client[name](path);
    // Not after the silence that another's lease would have to be given.
    expect(leaseClock.now() - since).toBeLessThan(5_000);
    guard?.assertHeld();
    expect(statesIn(path)).toEqual([expect.stringContaining(`.${guard?.holderId}.`)]);
    await guard?.release();
  });
});
