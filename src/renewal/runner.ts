import type { Grant } from '../core/backend.js';
import type { Clock } from '../core/time.js';
import type { LossReason, Lease, LeaseClock, RenewalSource } from '../core/lease.js';
import { renewChannel, type RenewEvent } from '../core/events.js';
import type { HoldName } from '../core/namespace.js';
import { writeUntil } from '../files/announcement-format.js';
import { writeDeadline } from '../process/supervisor-protocol.js';
import type { LeaseCell } from './shared-state.js';
import type { KeptHold } from './hold.js';
import { RenewalLoop } from './loop.js';
import type { WorkerThread } from './worker-thread.js';

/** Where a hold's renewals run. */
export interface Runner {
  /** Undefined: it is sure to run. */
  readonly running: Promise<void> | undefined;
  release(): Promise<void>;
  /** Nothing more is renewed, and no call waits for the worker any longer. */
  abandon(): void;
  /** Writes each later deadline to this descriptor. */
  publish(descriptor: number): void;
  /** Writes each later deadline to a slot of this process's announcements. */
  showAt(descriptor: number, slot: number): void;
}

export interface RunnerContext {
  readonly thread: WorkerThread;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
}

/** A grant whose lease is to be renewed, and the listener of its loss. */
export interface ToRun {
  readonly grant: Grant;
  readonly lease: Lease;
  readonly cell: LeaseCell;
  readonly hold: HoldName;
  readonly kept: KeptHold;
}

/** In the worker, or on this loop where the engine's client cannot cross into one. */
export function startRunner(
  { thread, clock, leaseClock }: RunnerContext,
  { grant, lease, cell, hold, kept }: ToRun,
): Runner {
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
    const showAt = (_: number, slot: number): void => void (cell.slot = slot);
    return { running, release, abandon, publish: (descriptor) => thread.publish(id, descriptor), showAt };
  }
  let published: number | undefined;
  let announcements: number | undefined;
  const loop = new RenewalLoop(renewal, cell, {
    clock,
    leaseClock,
    durationMs,
    isOwnerStalled: () => false,
    onExtended: (deadline) => {
      if (published !== undefined) writeDeadline(published, deadline);
      if (announcements !== undefined && cell.slot !== undefined)
        writeUntil(announcements, cell.slot, deadline);
    },
    ...listener,
  });
  loop.start();
  return {
    running: undefined,
    release: () => loop.release(),
    abandon: () => void loop.stop(),
    publish: (descriptor) => {
      published = descriptor;
      writeDeadline(descriptor, cell.deadline);
    },
    showAt: (descriptor, slot) => {
      announcements = descriptor;
      cell.slot = slot;
    },
  };
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
