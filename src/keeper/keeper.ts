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

/** Where a hold's renewals run. */
interface Runner {
  release(): Promise<void>;
  stop(): Promise<void>;
}

/** Keeps every lease of this thread: one worker for all of them, started by the first. */
export function createKeeper(
  clock: Clock,
  leaseClock: LeaseClock,
  { maxStallMs = MAX_STALL_MS }: { readonly maxStallMs?: number } = {},
): LeaseKeeper {
  const heartbeat = new Heartbeat(clock);
  const thread = new WorkerThread({ heartbeat: heartbeat.buffer, maxStallMs });

  async function runnerFor(
    grant: Grant,
    lease: Lease,
    cell: LeaseCell,
    hold: HoldName,
    lose: (reason: LossReason) => void,
  ): Promise<Runner> {
    const { renewal, durationMs, isReleaseSafe = false } = lease;
    const listener = {
      onRenewed: (remainingMs: number, error: unknown) => publishRenewal(hold, remainingMs, error),
      onLost: lose,
    };
    if (isSource(renewal)) {
      const id = await thread.arm(renewal, cell, durationMs, listener, isReleaseSafe);
      if (isReleaseSafe) {
        return {
          release: async () => {
            thread.forget(id);
            await grant.release();
          },
          stop: () => Promise.resolve(thread.forget(id)),
        };
      }
      return {
        // A grant whose thread died is released as one that was never kept.
        release: async () => (thread.has(id) ? thread.end(id, 'release') : grant.release()),
        stop: () => thread.end(id, 'stop'),
      };
    }
    const loop = new RenewalLoop(renewal, cell, {
      clock,
      leaseClock,
      durationMs,
      isOwnerStalled: () => false,
      ...listener,
    });
    loop.start();
    return loop;
  }

  async function arm(grant: Grant, hold: HoldName): Promise<Grant> {
    const { lease } = grant;
    if (lease === undefined) return grant;
    const cell = LeaseCell.create(lease.deadline);
    const kept = new KeptHold(cell, clock, leaseClock);
    heartbeat.start();
    try {
      const runner = await runnerFor(grant, lease, cell, hold, (reason) => kept.lose(reason));
      const lossReason = cell.check(leaseClock.now(), 0);
      if (lossReason !== undefined) {
        await runner.stop();
        throw lostBeforeGrant(hold, lossReason);
      }
      return kept.grant(grant, () => runner.release().finally(() => heartbeat.stop()));
    } catch (error) {
      heartbeat.stop();
      throw error;
    }
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
