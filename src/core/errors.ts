import type { HolderInfo } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import { escapeText } from './escape.js';
import { printable } from './holder-json.js';
import type { LossReason } from './lease.js';

/**
 * Every code that a {@link LockError} can have. `docs/reference/errors.md` gives meaning, cause and remedy of
 * each.
 */
export const ERROR_CODES = [
  'HOLDFAST_TIMEOUT',
  'HOLDFAST_CONTENDED',
  'HOLDFAST_DEADLOCK',
  'HOLDFAST_CANCELED',
  'HOLDFAST_LOST',
  'HOLDFAST_UNCONFIRMED',
  'HOLDFAST_PERMISSION',
  'HOLDFAST_IO',
  'HOLDFAST_NETWORK',
  'HOLDFAST_BUILD',
  'HOLDFAST_PROTOCOL',
  'HOLDFAST_CONFIG_MISMATCH',
  'HOLDFAST_UNSUPPORTED',
  'HOLDFAST_BACKEND_UNAVAILABLE',
] as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface LockErrorDetails {
  readonly code: ErrorCode;
  /** The resource as the user named it. */
  readonly resource?: string;
  readonly holders?: readonly HolderInfo[];
  /** With HOLDFAST_DEADLOCK, and with HOLDFAST_TIMEOUT when a cycle was seen during the wait. */
  readonly deadlock?: readonly DeadlockLink[];
  /** Only with HOLDFAST_LOST. */
  readonly lossReason?: LossReason;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('holdfast.LockError');

/**
 * The one error of this package. Match by `code`, or ask one of the booleans; `instanceof` fails when two
 * copies of the package are loaded, {@link isLockError} does not.
 */
export class LockError extends Error {
  /** What happened. Match by it. */
  readonly code: ErrorCode;
  // Declared only: what is not known is no property, so that a printed error shows no undefined fields.
  /** The resource as the caller wrote it, without credentials. */
  declare readonly resource: string | undefined;
  /** The holders, as far as they could be seen before the error was thrown. */
  declare readonly holders: readonly HolderInfo[] | undefined;
  /** The cycle, with HOLDFAST_DEADLOCK, and with HOLDFAST_TIMEOUT when one was seen during the wait. */
  declare readonly deadlock: readonly DeadlockLink[] | undefined;
  /** Why the hold ended, with HOLDFAST_LOST. */
  declare readonly lossReason: LossReason | undefined;

  constructor(message: string, details: LockErrorDetails) {
    // It may contain names of files and what other programs wrote into records, and is printed as it is.
    super(escapeText(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LockError';
    this.code = details.code;
    if (details.resource !== undefined) this.resource = details.resource;
    if (details.holders !== undefined) this.holders = details.holders.map(printable);
    if (details.deadlock !== undefined) this.deadlock = details.deadlock;
    if (details.lossReason !== undefined) this.lossReason = details.lossReason;
  }

  get [BRAND](): true {
    return true;
  }
  /** Another holder had it until the deadline, or at the only try. */
  get isTimeout(): boolean {
    return this.code === 'HOLDFAST_TIMEOUT' || this.code === 'HOLDFAST_CONTENDED';
  }
  /** Waiting on would be for ever: the holders wait for what this process holds. */
  get isDeadlock(): boolean {
    return this.code === 'HOLDFAST_DEADLOCK';
  }
  /** The hold ended by surprise: what was guarded may have been touched by others. */
  get isLost(): boolean {
    return this.code === 'HOLDFAST_LOST';
  }
  /** The caller's own signal ended the wait. */
  get isCanceled(): boolean {
    return this.code === 'HOLDFAST_CANCELED';
  }
  /** The claim may or may not stand. */
  get isUnconfirmed(): boolean {
    return this.code === 'HOLDFAST_UNCONFIRMED';
  }
}

/** Still held by others at the deadline (TIMEOUT), or at the only try (CONTENDED). */
export class LockTimeoutError extends LockError {
  /** The holders, as far as they could be seen. */
  declare readonly holders: readonly HolderInfo[];

  constructor(message: string, details: LockErrorDetails) {
    super(message, { holders: [], ...details });
    this.name = 'LockTimeoutError';
  }
}

/** The hold ended by surprise. */
export class LockLostError extends LockError {
  constructor(message: string, details: Omit<LockErrorDetails, 'code'>) {
    super(message, { ...details, code: 'HOLDFAST_LOST' });
    this.name = 'LockLostError';
  }
}

/** The caller's signal aborted the wait. Its `name` is `AbortError`, as the platform's own is; `cause` is the signal's reason. */
export class LockCanceledError extends LockError {
  constructor(message: string, details: Omit<LockErrorDetails, 'code'>) {
    super(message, { ...details, code: 'HOLDFAST_CANCELED' });
    this.name = 'AbortError';
  }
}

/** True for a LockError of any copy or version of this package. Never throws. */
export function isLockError(value: unknown): value is LockError {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}
