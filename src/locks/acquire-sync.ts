import { acquireSync as acquireTargetSync } from '../core/acquire-sync.js';
import { lossOr, type Guard } from '../core/guard.js';
import { mergeOptions, type LockOptions } from '../core/options.js';
import { optionsOf, targetOf, type Lock } from './lock.js';

/**
 * Blocks this thread until the lock is held, for callers that cannot await: exit handlers, build scripts,
 * synchronous plugins. Paths only (flock). `release()` of this guard has taken effect when it returns; the promise
 * may be ignored. `signal` and `onWait` have no effect while the thread blocks.
 *
 * @throws LockError HOLDFAST_TIMEOUT at the deadline; HOLDFAST_CONTENDED with `timeoutMs: 0`, or when this thread itself
 *   holds the lock or waits for it; HOLDFAST_UNSUPPORTED for backends that cannot block a thread.
 */
export function acquireSync(lock: string | Lock, options?: LockOptions): Guard {
  const target = targetOf(lock);
  return acquireTargetSync(target, mergeOptions(optionsOf(lock), options, target.namespace.leases));
}

/**
 * Runs `fn` while the lock is held, blocking this thread for both.
 *
 * @throws what `fn` throws; what {@link acquireSync} throws; LockError HOLDFAST_LOST when the hold was lost on the way,
 *   whatever `fn` did; what it threw is then the `cause`.
 */
export function withLockSync<T>(lock: string | Lock, fn: (guard: Guard) => T): T;
export function withLockSync<T>(lock: string | Lock, options: LockOptions, fn: (guard: Guard) => T): T;
export function withLockSync<T>(
  lock: string | Lock,
  optionsOrFn: LockOptions | ((guard: Guard) => T),
  maybeFn?: (guard: Guard) => T,
): T {
  const isShort = typeof optionsOrFn === 'function';
  const fn = isShort ? optionsOrFn : maybeFn;
  if (fn === undefined) throw new TypeError('The function to run under the lock is missing.');
  const guard = acquireSync(lock, isShort ? undefined : optionsOrFn);
  try {
    const result = fn(guard);
    if (!guard.isReleased) guard.assertHeld();
    return result;
  } catch (error) {
    throw lossOr(guard, error);
  } finally {
    void guard.release();
  }
}
