import type { Grant } from '../core/backend.js';
import { type Clock, Deadlines } from '../core/time.js';
import { LockLostError } from '../core/errors.js';
import type { LossReason, LeaseClock } from '../core/lease.js';
import type { HoldName, LeaseKeeper } from '../core/namespace.js';
import { LeaseCell } from './shared-state.js';
import { Heartbeat } from './heartbeat.js';
import { KeptHold } from './hold.js';
import { startRunner, type Runner } from './runner.js';
import { WorkerThread } from './worker-thread.js';

/** How long an owner's event loop may stand still before its leases are no longer renewed. */
export const MAX_STALL_MS = 600_000;

/** A grant has at least this part of its lease left when it is given out; one that is renewed has two thirds. */
const FRESH_PART = 1 / 2;

/** Keeps every lease of this thread: one worker for all of them, started by the first. */
export function createKeeper(
  clock: Clock,
  leaseClock: LeaseClock,
  { maxStallMs = MAX_STALL_MS }: { readonly maxStallMs?: number } = {},
): LeaseKeeper {
  const heartbeat = new Heartbeat(clock);
  const deadlines = new Deadlines(clock);
  const thread = new WorkerThread({ heartbeat: heartbeat.buffer, maxStallMs });

  function startRenewal(grant: Grant, hold: HoldName): Grant | Promise<Grant> {
    const { lease } = grant;
    if (lease === undefined) return grant;
    const cell = LeaseCell.create(lease.deadline);
    const kept = new KeptHold(cell, { clock, leaseClock, deadlines });
    heartbeat.start();
    const runner = startRunner({ thread, clock, leaseClock }, { grant, lease, cell, hold, kept });
    const freshMs = FRESH_PART * lease.durationMs;
    const isReady = runner.running === undefined && kept.isFresh(freshMs);
    return isReady ? given(grant, kept, runner) : givenOnceSettled(grant, kept, runner, freshMs, hold);
  }

  async function givenOnceSettled(
    grant: Grant,
    kept: KeptHold,
    runner: Runner,
    freshMs: number,
    hold: HoldName,
  ): Promise<Grant> {
    try {
      const lossReason = await kept.settled(runner.running, freshMs);
      if (lossReason !== undefined) throw lostBeforeGrant(hold, lossReason);
    } catch (error) {
      runner.abandon();
      heartbeat.stop();
      throw error;
    }
    return given(grant, kept, runner);
  }

  function given(grant: Grant, kept: KeptHold, runner: Runner): Grant {
    const release = (): Promise<void> => {
      heartbeat.stop();
      return runner.release();
    };
    const showDeadlines = (descriptor: number, slot: number): void => {
      heartbeat.showAt(descriptor);
      runner.showAt(descriptor, slot);
    };
    return { ...kept.grant(grant, { ...runner, release }), showDeadlines };
  }

  return { startRenewal, whenReady: () => thread.whenReady() };
}

function lostBeforeGrant({ resource }: HoldName, lossReason: LossReason): LockLostError {
  return new LockLostError(
    `Could not lock "${resource}": the lease ended before its renewal was under way. Take a longer lease, or look at what slows the disk.`,
    { resource, lossReason },
  );
}
