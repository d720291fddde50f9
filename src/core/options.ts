import type { Mode } from './backend.js';
import {
  BOOLEAN,
  checkOptions,
  FUNCTION,
  NUMBER,
  oneOf,
  SIGNAL,
  TEXT,
  type OptionRules,
} from './check-options.js';
import type { WaitEvent } from './events.js';
import { INFO_BYTES, infoText } from './holder.js';
import { Timeout } from './timeout.js';

/** How long the library waits by default, in milliseconds; leases wait for two of their own durations if that is longer. */
export const DEFAULT_TIMEOUT_MS = 30_000;
/** How long a lease lasts unless renewed. */
export const DEFAULT_LEASE_DURATION_MS = 30_000;
/** Milliseconds between two `progress` events of `onWait` in the first minute; after that ten times as many. */
export const WAIT_PROGRESS_INTERVAL_MS = 1_000;

/** Options of a lock, or of one call. Those of the call win. */
export interface LockOptions {
  /** Default `exclusive`. */
  readonly mode?: Mode;
  /**
   * Milliseconds that queueing, waiting and the backend's work may take together. `0` tries once, `Infinity`
   * waits for ever. Default {@link DEFAULT_TIMEOUT_MS}, or two leases if that is longer.
   */
  readonly timeoutMs?: number;
  /**
   * Where the timeout comes from, as error messages name it: `--wait`, an environment variable, a file. Default
   * `timeoutMs`.
   */
  readonly timeoutSource?: string;
  /** Ends the wait with HOLDFAST_CANCELED. Has no effect once the lock is held. Default: none. */
  readonly signal?: AbortSignal;
  /**
   * What to do when the holders wait for what this process holds (flock on Linux). `wait` (default): emit it to `onWait` and
   * name the cycle in the error of a timeout; a process with several tasks may yet release with one what another waits
   * for. `fail`: end the wait with HOLDFAST_DEADLOCK, for processes that do one thing at a time.
   */
  readonly onDeadlock?: 'wait' | 'fail';
  /**
   * Called when the call starts to wait, every {@link WAIT_PROGRESS_INTERVAL_MS} for a minute, every ten of them
   * after that, and when the wait ends. Default: none.
   */
  readonly onWait?: (event: WaitEvent) => void;
  /** Text for waiters to read, one line; records keep its first 1 000 characters. Default: none. */
  readonly reason?: string;
  /** For others to read, in the holder's record: any JSON value of at most 1 KB. Never a secret. Default: none. */
  readonly info?: unknown;
  /**
   * `true` puts the command line of this process into the holder's record, which others can read and which outlives the
   * hold. Default `false`: records carry the program's name only, since arguments carry passwords.
   */
  readonly recordCommand?: boolean;
  /**
   * Milliseconds a lease lasts unless renewed, 1 000 to 86 400 000. Only for backends whose holds are leases.
   * Default {@link DEFAULT_LEASE_DURATION_MS}; 60 000 for `s3:`.
   */
  readonly leaseDurationMs?: number;
  /**
   * `false` leaves no holder record behind: waiters then see only what the kernel knows. Default `true`.
   * flock only; other backends need theirs.
   */
  readonly record?: boolean;
  /**
   * `true` requests a fencing token where that costs something (flock). Default `false`; backends whose tokens are
   * free give one anyway.
   */
  readonly fencing?: boolean;
  /**
   * `true` announces that a child process will do the work. Until `coverProcess(guard, pid)` has named it, and as
   * long as it lives, others on this host do not take a lease over because this process died. Only leases use it.
   * Default `false`.
   */
  readonly coversChild?: boolean;
  /**
   * At most this many holders at a time (1 to 10 000) instead of one: a semaphore. Every contender must use the
   * same number. The permits of a resource and its lock are independent of each other. Default: none, a lock.
   */
  readonly permits?: number;
}

/** The options of {@link LockOptions}, for functions that add some of their own. */
export const LOCK_OPTIONS: OptionRules = {
  mode: oneOf('exclusive', 'shared'),
  timeoutMs: NUMBER,
  timeoutSource: TEXT,
  signal: SIGNAL,
  onDeadlock: oneOf('wait', 'fail'),
  onWait: FUNCTION,
  reason: {
    type: 'text of one line',
    accepts: (value: unknown) => typeof value === 'string' && !/[\r\n]/.test(value),
  },
  info: {
    type: `a JSON value of at most ${INFO_BYTES} bytes`,
    accepts: (value: unknown) => infoText(value) !== undefined,
  },
  recordCommand: BOOLEAN,
  leaseDurationMs: NUMBER,
  record: BOOLEAN,
  fencing: BOOLEAN,
  coversChild: BOOLEAN,
  permits: NUMBER,
} satisfies Record<keyof LockOptions, unknown>;

/** Options after validation, with every default in place. */
export interface ResolvedOptions {
  readonly mode: Mode;
  readonly timeout: Timeout;
  readonly signal: AbortSignal | undefined;
  readonly onDeadlock: 'wait' | 'fail';
  readonly onWait: ((event: WaitEvent) => void) | undefined;
  readonly reason: string | undefined;
  /** JSON. */
  readonly info: string | undefined;
  readonly recordCommand: boolean;
  readonly leaseDurationMs: number;
  /** The caller named the duration, even if it is the default. */
  readonly isLeaseChosen: boolean;
  readonly fencing: boolean;
  readonly coversChild: boolean;
  readonly record: boolean;
  readonly permits: number | undefined;
}

/** Whether holds end by themselves; a number where that is after other than the usual {@link DEFAULT_LEASE_DURATION_MS}. */
export type Leases = boolean | number;

/** Resolved once, since most calls give no options. */
const NO_OPTIONS: LockOptions = {};
let defaultOptions: ResolvedOptions | undefined;
let defaultLeaseOptions: ResolvedOptions | undefined;

/** The options of a call, which win over those of its lock; see {@link resolveOptions}. */
export function mergeOptions(
  ofLock: LockOptions | undefined,
  ofCall: LockOptions | undefined,
  leases: Leases,
): ResolvedOptions {
  if (ofLock === undefined && ofCall === undefined) {
    if (leases === true) return (defaultLeaseOptions ??= resolveOptions(NO_OPTIONS, true));
    if (leases === false) return (defaultOptions ??= resolveOptions(NO_OPTIONS, false));
  }
  if (ofLock === undefined) return resolveOptions(ofCall, leases);
  // Checked before it is merged: a spread would take anything.
  checkOptions(ofCall, LOCK_OPTIONS);
  return resolveOptions({ ...ofLock, ...ofCall }, leases);
}

/**
 * @param leases whether the backend's holds are leases, which lengthens the default timeout.
 * @throws TypeError for an unknown option and a value of the wrong type.
 * @throws RangeError for a timeout that is negative or NaN, and a lease or a number of permits outside its range.
 */
export function resolveOptions(given: LockOptions | undefined, leases: Leases): ResolvedOptions {
  checkOptions(given, LOCK_OPTIONS);
  const options = given ?? NO_OPTIONS;
  const { mode = 'exclusive', timeoutMs, permits } = options;
  const usualMs = typeof leases === 'number' ? leases : DEFAULT_LEASE_DURATION_MS;
  const { leaseDurationMs = usualMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new RangeError(`timeoutMs must be 0, a positive number or Infinity, not ${timeoutMs}.`);
  }
  if (!(leaseDurationMs >= 1_000 && leaseDurationMs <= 86_400_000)) {
    throw new RangeError(`leaseDurationMs must lie between 1 000 and 86 400 000, not ${leaseDurationMs}.`);
  }
  if (permits !== undefined && !(Number.isInteger(permits) && permits >= 1 && permits <= 10_000)) {
    throw new RangeError(`permits must be a whole number from 1 to 10 000, not ${permits}.`);
  }
  if (permits !== undefined && mode === 'shared') {
    throw new TypeError("permits go with mode 'exclusive' only.");
  }
  const defaultMs = leases !== false ? Math.max(DEFAULT_TIMEOUT_MS, 2 * leaseDurationMs) : DEFAULT_TIMEOUT_MS;
  return {
    mode,
    timeout: new Timeout(
      timeoutMs ?? defaultMs,
      options.timeoutSource ?? (timeoutMs === undefined ? 'default' : 'timeoutMs'),
    ),
    signal: options.signal,
    onDeadlock: options.onDeadlock ?? 'wait',
    onWait: options.onWait,
    reason: options.reason,
    info: infoText(options.info),
    recordCommand: options.recordCommand ?? false,
    leaseDurationMs,
    isLeaseChosen: options.leaseDurationMs !== undefined,
    fencing: options.fencing ?? false,
    record: options.record ?? true,
    coversChild: options.coversChild ?? false,
    permits,
  };
}
