import { tracingChannel } from 'node:diagnostics_channel';

import type { HolderInfo, Mode } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { LockError } from './errors.js';
import type { LossReason } from './lease.js';

/** Context of `holdfast:acquire`: one call, from asking to the grant or the error. */
export interface AcquireEvent {
  readonly resource: string;
  readonly backend: string;
  readonly mode: Mode;
  /** Set when the call has ended. Milliseconds, monotonic. */
  waitedMs?: number;
  outcome?: 'acquired' | 'contended' | 'timeout' | 'deadlock' | 'canceled' | 'error';
  error?: unknown;
}

/** Context of `holdfast:hold`: one hold, from its grant to its release or loss. */
export interface HoldEvent {
  readonly resource: string;
  readonly backend: string;
  readonly mode: Mode;
  readonly holderId: string;
  heldMs?: number;
  outcome?: 'released' | 'lost';
  lossReason?: LossReason;
}

/** Context of `holdfast:renew`: one renewal of a lease. */
export interface RenewEvent {
  readonly resource: string;
  readonly backend: string;
  readonly holderId: string;
  /** Milliseconds of the lease that were left when the renewal began. */
  readonly remainingMs: number;
  error?: unknown;
}

export const acquireChannel = tracingChannel<unknown, AcquireEvent>('holdfast:acquire');
export const holdChannel = tracingChannel<unknown, HoldEvent>('holdfast:hold');
export const renewChannel = tracingChannel<unknown, RenewEvent>('holdfast:renew');

/** What `onWait` is told about one call that has to wait. A call that need not wait tells nothing. */
export interface WaitEvent {
  /** `deadlock`: the holders wait for what this process holds; told once, within a second of its coming about. */
  readonly type: 'started' | 'progress' | 'deadlock' | 'acquired' | 'timeout' | 'canceled';
  readonly address: string;
  readonly mode: Mode;
  /** Milliseconds since the call, monotonic. */
  readonly waitedMs: number;
  /** Milliseconds from the call to its deadline; Infinity when there is none. */
  readonly timeoutMs: number;
  /** The cycle, once one was seen. */
  readonly deadlock: readonly DeadlockLink[] | undefined;
  /** Why the server cannot be asked at present. It is tried again until the deadline. */
  readonly outage: LockError | undefined;
  /** Asks the backend who is in the way, at the cost of a look at it. */
  readonly inspect: () => Promise<readonly HolderInfo[]>;
}
