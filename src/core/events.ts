import { tracingChannel } from 'node:diagnostics_channel';

import type { HolderInfo, Mode } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { LockError } from './errors.js';
import type { LossReason } from './lease.js';

/** Context of `holdfast:acquire`: one call, from asking to the grant or the error. */
export interface AcquireEvent {
  /** The backend's name of the resource. */
  readonly resource: string;
  /** One name for the lock in every process of this machine. */
  readonly lock: string;
  /** Name of the backend. */
  readonly backend: string;
  /** Requested mode. */
  readonly mode: Mode;
  /** Set when the call has ended. Milliseconds, monotonic. */
  waitedMs?: number;
  /** How the call ended. Absent until it ends. */
  outcome?: 'acquired' | 'contended' | 'timeout' | 'deadlock' | 'canceled' | 'error';
  /** The error that the call throws. Absent while it has none. */
  error?: unknown;
}

/** Context of `holdfast:hold`: one hold, from its grant to its release or loss. */
export interface HoldEvent {
  /** The backend's name of the resource. */
  readonly resource: string;
  /** One name for the lock in every process of this machine. */
  readonly lock: string;
  /** Name of the backend. */
  readonly backend: string;
  /** Mode of the hold. */
  readonly mode: Mode;
  /** Identity of the hold, as {@link Guard.holderId}. */
  readonly holderId: string;
  /** Milliseconds that it was held. Absent until it ends. */
  heldMs?: number;
  /** How it ended. Absent until it ends. */
  outcome?: 'released' | 'lost';
  /** Why it was lost. Only with the outcome `lost`. */
  lossReason?: LossReason;
}

/** Context of `holdfast:renew`: one renewal of a lease. */
export interface RenewEvent {
  /** The backend's name of the resource. */
  readonly resource: string;
  /** Name of the backend. */
  readonly backend: string;
  /** Identity of the hold, as {@link Guard.holderId}. */
  readonly holderId: string;
  /** Milliseconds of the lease that were left when the renewal began. */
  readonly remainingMs: number;
  /** Why the renewal failed. Absent when it did not. */
  error?: unknown;
}

export const acquireChannel = tracingChannel<unknown, AcquireEvent>('holdfast:acquire');
export const holdChannel = tracingChannel<unknown, HoldEvent>('holdfast:hold');
export const renewChannel = tracingChannel<unknown, RenewEvent>('holdfast:renew');

/** What `onWait` receives about one call that has to wait. A call that need not wait emits nothing. */
export interface WaitEvent {
  /** `deadlock`: the holders wait for what this process holds; emitted once, within a second of its coming about. */
  readonly type: 'started' | 'progress' | 'deadlock' | 'acquired' | 'timeout' | 'canceled';
  /** The lock, as the caller wrote it, without credentials. */
  readonly address: string;
  /** Mode that the call waits for. */
  readonly mode: Mode;
  /** Milliseconds since the call, monotonic. */
  readonly waitedMs: number;
  /** Milliseconds from the call to its deadline; Infinity when there is none. */
  readonly timeoutMs: number;
  /** The cycle, once one was seen. */
  readonly deadlock: readonly DeadlockLink[] | undefined;
  /** Why the server cannot be asked at present. It is tried again until the deadline. */
  readonly outage: LockError | undefined;
  /** Reads the present holders from the backend, at the cost of a look at it. */
  readonly inspect: () => Promise<readonly HolderInfo[]>;
}
