import type { Mode } from '../core/backend.js';
import type { DeadlockLink } from '../core/deadlock.js';

/** One that holds or waits, as far as it can be seen from this machine. */
export interface SeenParty {
  readonly mode: Mode;
  readonly pid?: number;
  /** As `processStartTime` gives it. */
  readonly startTime?: number;
  readonly host?: string;
  readonly program?: string;
  readonly holderId?: string;
  readonly reason?: string;
  /** Wall clock: when the hold or the wait began, or when it was first seen. */
  readonly sinceAtMs: number;
  /** `false`: `sinceAtMs` is when it was first seen, so it began before that. */
  readonly isSinceExact: boolean;
  /** Of the lease clock. */
  readonly leaseDeadline?: number;
  readonly leaseDurationMs?: number;
  readonly token?: bigint;
  readonly note?: string;
}

export interface SeenLock {
  /** An absolute path, or an address without credentials. */
  readonly address: string;
  readonly backend: string;
  /** `other`: no sign that a program of ours took it. The flocks of flock(1), cargo and services are. */
  readonly kind: 'holdfast' | 'other';
  readonly holders: readonly SeenParty[];
  readonly waiters: readonly SeenParty[];
}

/** A lock and what it does to others. */
export interface RankedLock extends SeenLock {
  /** Milliseconds that others wait because of it, also for what those who wait for it hold. */
  readonly blockedMs: number;
  readonly oldestWaitMs: number;
  readonly isInCycle: boolean;
}

/** The locks of a machine at about one moment: those that cause the most waiting first. Display data. */
export interface Survey {
  /** Wall clock. */
  readonly atMs: number;
  readonly locks: readonly RankedLock[];
  readonly deadlocks: readonly (readonly DeadlockLink[])[];
  /** What could not be looked at, in sentences. */
  readonly problems: readonly string[];
}
