import { lstatSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';

import { isLockError } from '../../core/errors.js';
import type { Guard } from '../../core/guard.js';
import { hostNow, sleep, systemClock } from '../../platform/clock.js';
import { acquireSync } from '../../locks/acquire-sync.js';
import { acquire } from '../../locks/acquire.js';
import { dataLockPath } from '../../locks/placement.js';
import { lockFor } from '../../locks/lock.js';
import { identify, tryClaim, type ClaimContext } from './directory.js';
import { compatError } from './errors.js';
import { Hold } from './held.js';
import {
  refuseForeignFs,
  staleMsOf,
  waitMsOf,
  type CheckOptions,
  type LockOptions,
  type UnlockOptions,
} from './options.js';

/** Milliseconds between looks at a directory that the real proper-lockfile made: its end is not announced. */
const LOOK_INTERVAL_MS = 10;

const throwIt = (error: Error): never => {
  throw error;
};

/**
 * Takes the lock of `file` as proper-lockfile does, and resolves with its release.
 *
 * Takes turns with the real proper-lockfile 4 by the same directory, with its own kind by a kernel lock, and with
 * `withWriteLock(file)`. A holder of this kind that was killed delays no other of this kind.
 *
 * @throws an Error with `code` ELOCKED when it is still held after what `retries` allows; ENOENT when `file` does
 *   not exist and `realpath` is not false; LockError for everything else that is in the way.
 */
export async function lock(file: string, options: LockOptions = {}): Promise<() => Promise<void>> {
  refuseForeignFs(file, options);
  const path = options.realpath === false ? resolve(file) : await realpath(file);
  const waitMs = waitMsOf(options);
  const deadline = hostNow() + waitMs;
  const guard = await orLocked(path, () => acquire(lockFor(guardedBy(path, options)), { timeoutMs: waitMs }));
  const context = contextOf(path, options);
  const hold = await holding(guard, async () => {
    for (;;) {
      const own = tryClaim(context);
      if (own !== undefined) return new Hold(partsOf(path, context, guard, own, options));
      if (hostNow() >= deadline) throw compatError('ELOCKED', path);
      await sleep(LOOK_INTERVAL_MS);
    }
  });
  return async () => hold.release();
}

/** The same, once and without awaiting. @throws as {@link lock}; ESYNC when `retries` are asked for. */
export function lockSync(file: string, options: LockOptions = {}): () => void {
  refuseForeignFs(file, options);
  const { retries } = options;
  const count = typeof retries === 'number' ? retries : retries?.retries;
  if (count !== undefined && count > 0) throw compatError('ESYNC', file);
  const path = options.realpath === false ? resolve(file) : realpathSync(file);
  const guard = orLockedSync(path, () => acquireSync(lockFor(guardedBy(path, options)), { timeoutMs: 0 }));
  const context = contextOf(path, options);
  try {
    const own = tryClaim(context);
    if (own === undefined) throw compatError('ELOCKED', path);
    const hold = new Hold(partsOf(path, context, guard, own, options));
    return () => hold.release();
  } catch (error) {
    void guard.release();
    throw error;
  }
}

/**
 * Releases the lock that this process holds on `file`.
 *
 * @throws an Error with `code` ENOTACQUIRED when this process does not hold it.
 */
export async function unlock(file: string, options: UnlockOptions = {}): Promise<void> {
  refuseForeignFs(file, options);
  release(options.realpath === false ? resolve(file) : await realpath(file));
}

/**
 * As {@link unlock}.
 *
 * @throws as {@link unlock} does.
 */
export function unlockSync(file: string, options: UnlockOptions = {}): void {
  refuseForeignFs(file, options);
  release(options.realpath === false ? resolve(file) : realpathSync(file));
}

function release(path: string): void {
  const hold = Hold.of(path);
  if (hold === undefined) throw compatError('ENOTACQUIRED', path);
  hold.release();
}

/**
 * True while a process, through this module or proper-lockfile, has the directory and refreshes it.
 *
 * @throws as {@link lock} does for a path that cannot be resolved.
 */
export async function check(file: string, options: CheckOptions = {}): Promise<boolean> {
  refuseForeignFs(file, options);
  return isFresh(options.realpath === false ? resolve(file) : await realpath(file), options);
}

/**
 * As {@link check}.
 *
 * @throws as {@link check} does.
 */
export function checkSync(file: string, options: CheckOptions = {}): boolean {
  refuseForeignFs(file, options);
  return isFresh(options.realpath === false ? resolve(file) : realpathSync(file), options);
}

function isFresh(path: string, options: CheckOptions): boolean {
  const found = identify(directoryOf(path, options));
  if (found === undefined) return false;
  return Number(found.modifiedNs / 1_000_000n) >= systemClock.wallNow() - staleMsOf(options);
}

function directoryOf(path: string, { lockfilePath }: Pick<LockOptions, 'lockfilePath'>): string {
  return lockfilePath === undefined ? `${path}.lock` : resolve(lockfilePath);
}

/**
 * What the kernel lock stands for: the file, or the directory that is made where several of these for one file are
 * several locks, as `lockfilePath`s are, and links that `realpath: false` does not follow.
 */
function guardedBy(path: string, options: Pick<LockOptions, 'lockfilePath' | 'realpath'>): string {
  const isLink = options.realpath === false && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  return options.lockfilePath === undefined && isLink !== true ? path : directoryOf(path, options);
}

function contextOf(path: string, options: LockOptions): ClaimContext {
  return {
    path: directoryOf(path, options),
    // Beside the lock file that stands for it, whose directory is there by now.
    markerPath: `${dataLockPath(guardedBy(path, options), undefined)}.made`,
    staleMs: staleMsOf(options),
    wallNow: () => systemClock.wallNow(),
  };
}

function partsOf(
  file: string,
  { path, markerPath }: ClaimContext,
  guard: Guard,
  own: NonNullable<ReturnType<typeof tryClaim>>,
  { onCompromised = throwIt }: LockOptions,
): ConstructorParameters<typeof Hold>[0] {
  return { file, path, markerPath, guard, own, onCompromised };
}

async function holding<T>(guard: Guard, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    await guard.release();
    throw error;
  }
}

async function orLocked(path: string, fn: () => Promise<Guard>): Promise<Guard> {
  try {
    return await fn();
  } catch (error) {
    throw asCompat(path, error);
  }
}

function orLockedSync(path: string, fn: () => Guard): Guard {
  try {
    return fn();
  } catch (error) {
    throw asCompat(path, error);
  }
}

function asCompat(path: string, error: unknown): unknown {
  return isLockError(error) && error.isTimeout ? compatError('ELOCKED', path, error) : error;
}
