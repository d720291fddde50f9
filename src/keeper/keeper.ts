import type { Grant } from '../core/backend.js';
import type { Clock } from '../core/clock.js';
import { LockLostError, type LossReason } from '../core/errors.js';
import { renewChannel, type RenewEvent } from '../core/events.js';
import type { Lease, LeaseClock, RenewalSource } from '../core/lease.js';
import type { HoldName, LeaseKeeper } from '../core/lock-space.js';
import { LeaseCell } from './cell.js';
import { Heartbeat } from './heartbeat.js';
import { KeptHold } from './kept-hold.js';
import { RenewalLoop } from './renewal-loop.js';
import { WorkerThread } from './worker-thread.js';

/** How long an owner's event loop may stand still before its leases are no longer renewed. */
export const MAX_STALL_MS = 600_000;

/** A grant has at least this part of its lease left when it is given out; one that is renewed has two thirds. */
const FRESH_PART = 1 / 2;

/** Where a hold's renewals run. */
interface Runner {
  /** Undefined: it runs, or is sure to. */
  readonly running: Promise<void> | undefined;
  release(): Promise<void>;
  /** Nothing more is renewed, and nobody waits for the worker any longer. */
  abandon(): void;
}

/** Keeps every lease of this thread: one worker for all of them, started by the first. */
export function createKeeper(
  clock: Clock,
  leaseClock: LeaseClock,
  { maxStallMs = MAX_STALL_MS }: { readonly maxStallMs?: number } = {},
): LeaseKeeper {
  const heartbeat = new Heartbeat(clock);
  const thread = new WorkerThread({ heartbeat: heartbeat.buffer, maxStallMs });

  function runnerFor(grant: Grant, lease: Lease, cell: LeaseCell, hold: HoldName, kept: KeptHold): Runner {
    const { renewal, durationMs, isReleaseSafe = false } = lease;
    const listener = {
      onRenewed: (remainingMs: number, error: unknown) => {
        kept.noteRenewal();
        publishRenewal(hold, remainingMs, error);
      },
      onLost: (reason: LossReason) => kept.lose(reason),
    };
    if (isSource(renewal)) {
      const { id, running } = thread.arm(renewal, cell, durationMs, listener, isReleaseSafe);
      const abandon = (): void => thread.forget(id);
      const release = async (): Promise<void> => {
        if (isReleaseSafe) {
          abandon();
          return grant.release();
        }
        if (thread.has(id)) return thread.release(id);
        // Its thread died: it is released as one that was never kept, unless it is lost. A lost hold changes nothing.
        if (cell.check(leaseClock.now(), 0) === undefined) await grant.release();
      };
      return { running, release, abandon };
    }
    const loop = new RenewalLoop(renewal, cell, {
      clock,
      leaseClock,
      durationMs,
      isOwnerStalled: () => false,
      ...listener,
    });
    loop.start();
    return {
      running: undefined,
      release: () => loop.release(),
      abandon: () => void loop.stop(),
    };
  }

  async function arm(grant: Grant, hold: HoldName): Promise<Grant> {
    const { lease } = grant;
    if (lease === undefined) return grant;
    const cell = LeaseCell.create(lease.deadline);
    const kept = new KeptHold(cell, clock, leaseClock);
    heartbeat.start();
    const runner = runnerFor(grant, lease, cell, hold, kept);
    try {
      const lossReason = await kept.settled(runner.running, FRESH_PART * lease.durationMs);
      if (lossReason !== undefined) throw lostBeforeGrant(hold, lossReason);
    } catch (error) {
      runner.abandon();
      heartbeat.stop();
      throw error;
    }
    const release = (): Promise<void> => runner.release().finally(() => heartbeat.stop());
    return kept.grant(grant, release, () => runner.abandon());
  }

  return { arm };
}

function isSource(renewal: Lease['renewal']): renewal is RenewalSource {
  return 'module' in renewal;
}

function publishRenewal(
  { resource, backend, holderId }: HoldName,
  remainingMs: number,
  error: unknown,
): void {
  if (!renewChannel.hasSubscribers) return;
  const event: RenewEvent = { resource, backend, holderId, remainingMs };
  if (error !== undefined) {
    event.error = error;
    renewChannel.error.publish(event);
  }
  renewChannel.asyncEnd.publish(event);
}

function lostBeforeGrant({ resource }: HoldName, lossReason: LossReason): LockLostError {
  return new LockLostError(
    `Could not lock "${resource}": the lease ended before its renewal was under way. Take a longer lease, or look at what slows the disk.`,
    { resource, lossReason },
  );
}
