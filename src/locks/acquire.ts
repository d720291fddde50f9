import { acquire as acquireTarget, tryAcquire as tryTarget } from '../core/acquisition.js';
import type { Target } from '../core/namespace.js';
import { checkOptions } from '../core/check-options.js';
import { lossOr, type Guard } from '../core/guard.js';
import { mergeOptions, type LockOptions, type ResolvedOptions } from '../core/options.js';
import { DATA_LOCK_OPTIONS, lockFor, optionsOf, targetOf, type DataLockOptions, type Lock } from './lock.js';

import { tracing } from './tracing.js';

/** What runs while a lock is held. */
export type Work<T> = (guard: Guard) => T | Promise<T>;

/**
 * Waits until the lock is held.
 *
 * @param lock a path, an address, or a {@link Lock}; `options` win over the lock's own.
 * @throws LockError HOLDFAST_TIMEOUT at the deadline, HOLDFAST_CONTENDED with `timeoutMs: 0`, HOLDFAST_CANCELED
 *   by `signal`, HOLDFAST_PERMISSION or HOLDFAST_IO at once when the lock cannot be reached.
 * @example
 * const guard = await acquire('deploy.lock', { timeoutMs: 5_000 });
 * try { await deploy(); } finally { await guard.release(); }
 */
export function acquire(lock: string | Lock, options?: LockOptions): Promise<Guard> {
  return start(lock, options, acquireTarget);
}

/**
 * One try: undefined when another holder has it. A `timeoutMs` is ignored.
 *
 * @throws LockError for everything but contention.
 */
export function tryAcquire(lock: string | Lock, options?: LockOptions): Promise<Guard | undefined> {
  return start(lock, options, tryTarget);
}

/** Bad input rejects; nothing here throws. Not async, since that would cost the fast path two more promises. */
function start<T>(
  lock: string | Lock,
  options: LockOptions | undefined,
  run: (target: Target, options: ResolvedOptions) => Promise<T>,
): Promise<T> {
  try {
    const target = targetOf(lock);
    const resolved = mergeOptions(optionsOf(lock), options, target.namespace.leases);
    if (tracing.ready !== undefined) return tracing.ready.then(() => run(target, resolved));
    return run(target, resolved);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Runs `fn` while the lock is held, and releases it whatever `fn` does.
 *
 * @throws what `fn` throws; what {@link acquire} throws; LockError HOLDFAST_LOST when the hold was lost on the way,
 *   whatever `fn` did: others may have been in at the same time. What it threw is then the `cause`.
 * @example
 * await withLock('deploy.lock', async () => { await deploy(); });
 */
export function withLock<T>(lock: string | Lock, fn: Work<T>): Promise<T>;
export function withLock<T>(lock: string | Lock, options: LockOptions, fn: Work<T>): Promise<T>;
export async function withLock<T>(
  lock: string | Lock,
  optionsOrFn: LockOptions | Work<T>,
  maybeFn?: Work<T>,
): Promise<T> {
  const { options, fn } = splitArguments(optionsOrFn, maybeFn);
  const guard = await acquire(lock, options);
  let result: T;
  try {
    result = await fn(guard);
    if (!guard.isReleased) guard.assertHeld();
  } catch (error) {
    // What went wrong first is what the caller must get, whatever becomes of the release.
    const first = lossOr(guard, error);
    await guard.release().catch(() => undefined);
    throw first;
  }
  await guard.release();
  return result;
}

/**
 * Runs `fn` while no other holder reads or writes the data file at `dataPath` under this family of locks.
 * Guards through `<dir>/.holdfast/locks/<basename>.lock`; see {@link lockFor}.
 *
 * @throws as {@link withLock}.
 */
export function withWriteLock<T>(dataPath: string, fn: Work<T>): Promise<T>;
export function withWriteLock<T>(dataPath: string, options: DataLockOptions, fn: Work<T>): Promise<T>;
export function withWriteLock<T>(
  dataPath: string,
  optionsOrFn: DataLockOptions | Work<T>,
  maybeFn?: Work<T>,
): Promise<T> {
  return withDataLock('exclusive', dataPath, optionsOrFn, maybeFn);
}

/**
 * Runs `fn` while no other holder writes the data file at `dataPath`; other readers may run at the same time. See
 * {@link withWriteLock}.
 *
 * @throws what {@link withWriteLock} throws.
 */
export function withReadLock<T>(dataPath: string, fn: Work<T>): Promise<T>;
export function withReadLock<T>(dataPath: string, options: DataLockOptions, fn: Work<T>): Promise<T>;
export function withReadLock<T>(
  dataPath: string,
  optionsOrFn: DataLockOptions | Work<T>,
  maybeFn?: Work<T>,
): Promise<T> {
  return withDataLock('shared', dataPath, optionsOrFn, maybeFn);
}

async function withDataLock<T>(
  mode: 'exclusive' | 'shared',
  dataPath: string,
  optionsOrFn: DataLockOptions | Work<T>,
  maybeFn: Work<T> | undefined,
): Promise<T> {
  const { options, fn } = splitArguments(optionsOrFn, maybeFn);
  checkOptions(options, DATA_LOCK_OPTIONS);
  return withLock(lockFor(dataPath, { ...options, mode }), fn);
}

function splitArguments<O extends LockOptions, T>(
  optionsOrFn: O | Work<T>,
  maybeFn: Work<T> | undefined,
): { options: O | undefined; fn: Work<T> } {
  if (typeof optionsOrFn === 'function') return { options: undefined, fn: optionsOrFn };
  if (typeof maybeFn !== 'function') throw new TypeError('The function to run under the lock is missing.');
  return { options: optionsOrFn, fn: maybeFn };
}
