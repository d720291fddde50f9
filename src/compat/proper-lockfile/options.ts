import fs from 'node:fs';
import { dirname, resolve } from 'node:path';

import { LockError } from '../../core/errors.js';

/** As the retry package understands them. */
export interface RetryOptions {
  /** Number of further tries. Default 0. */
  readonly retries?: number;
  /** Factor by which the delay grows with each try. Default 2. */
  readonly factor?: number;
  /** Milliseconds before the first further try. Default 1000. */
  readonly minTimeout?: number;
  /** Largest delay in milliseconds. Default Infinity. */
  readonly maxTimeout?: number;
  /** Whether delays are multiplied by a random number from 1 to 2. Default `false`. */
  readonly randomize?: boolean;
  /** Whether it tries without end. Default `false`. */
  readonly forever?: boolean;
  /** Milliseconds for all tries together. Default Infinity. */
  readonly maxRetryTime?: number;
  /** Whether the timers let the process end. Default `false`. */
  readonly unref?: boolean;
}

/** As much of a file system as shows whether it is the kernel's. */
export interface FsLike {
  /**
   * What stands at `path`.
   *
   * @throws what the file system throws.
   */
  readonly statSync?: (path: string) => { readonly dev: number; readonly ino: number };
}

/** Options of `lock` and `lockSync`. */
export interface LockOptions {
  /** Milliseconds after which an untouched directory of the real proper-lockfile counts as left behind. At least 2 000, default 10 000. */
  readonly stale?: number;
  /**
   * Accepted and ignored: directories are refreshed every {@link REFRESH_INTERVAL_MS} by a thread of its own.
   * Default: as if absent.
   */
  readonly update?: number | null;
  /** How long to go on trying. The time counts, not the attempts: we wait in the kernel. Default 0: once. */
  readonly retries?: number | RetryOptions;
  /** Follow links, for which the file must exist. Default true. */
  readonly realpath?: boolean;
  /** Called when the hold was lost; may throw. Default: throws the error, which ends the process. */
  readonly onCompromised?: (error: Error) => unknown;
  /** The directory to make. Default `<file>.lock`. */
  readonly lockfilePath?: string;
  /**
   * Accepted and not used if it shows the files that the kernel has, as node:fs and graceful-fs do; refused otherwise.
   * Default: absent.
   */
  readonly fs?: FsLike;
}

/** Options of `unlock` and `unlockSync`. */
export type UnlockOptions = Pick<LockOptions, 'realpath' | 'lockfilePath' | 'fs'>;
/** Options of `check` and `checkSync`. */
export type CheckOptions = Pick<LockOptions, 'stale' | 'realpath' | 'lockfilePath' | 'fs'>;

export const DEFAULT_STALE_MS = 10_000;
/** The real one accepts no smaller value, so no caller may call a directory stale that is younger. */
export const LEAST_STALE_MS = 2_000;
export const REFRESH_INTERVAL_MS = 500;

export function staleMsOf({ stale = DEFAULT_STALE_MS }: Pick<LockOptions, 'stale'>): number {
  return Math.max(stale || 0, LEAST_STALE_MS);
}

/** The time that the retries of the real one would have taken together. */
export function waitMsOf({ retries = 0 }: Pick<LockOptions, 'retries'>): number {
  const options = typeof retries === 'number' ? { retries } : retries;
  const { factor = 2, minTimeout = 1_000, maxTimeout = Infinity, maxRetryTime = Infinity } = options;
  if (options.forever === true) return maxRetryTime;
  const count = options.retries ?? 10;
  let totalMs = 0;
  for (let attempt = 0; attempt < count && totalMs < maxRetryTime; attempt++) {
    totalMs += Math.min(Math.max(minTimeout, 1) * factor ** attempt, maxTimeout);
  }
  return Math.min(totalMs, maxRetryTime);
}

/**
 * Accepts node:fs and what wraps it (graceful-fs): an `fs` that shows the very directory of `file`. What it adds is not used.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for a file system of the caller's own.
 */
export function refuseForeignFs(file: string, options: { readonly fs?: FsLike } | undefined): void {
  const given = options?.fs;
  if (given === undefined || given === fs || showsSame(given, dirname(resolve(file)))) return;
  throw new LockError(
    `Could not lock "${file}": its option "fs" is not the file system that the kernel locks. Leave it away.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: file },
  );
}

function showsSame(given: FsLike, directory: string): boolean {
  try {
    const shown = given.statSync?.(directory);
    const { dev, ino } = fs.statSync(directory);
    return shown?.dev === dev && shown.ino === ino;
  } catch {
    return false;
  }
}
