import type { LockOptions } from '../core/options.js';
import { withLock, type Work } from './acquire.js';
import type { Lock } from './lock.js';

/** What {@link once} did: ran the work, or found that it was done. */
export type OnceResult<T> = { readonly hasRun: true; readonly value: T } | { readonly hasRun: false };

type IsDone = () => boolean | Promise<boolean>;

/**
 * Single-flight between processes: of many callers that find something undone, one does it and the others wait and
 * use it. `isDone` is asked before the lock (most calls end there, without one) and again under it.
 *
 * If the one that runs `fn` dies or throws, the next in line runs it. `isDone` must be true only of finished work:
 * look at what is made last, not at what is made first.
 *
 * @throws what `isDone` and `fn` throw, and what `withLock` throws.
 * @example
 * await once('dist.lock', () => existsSync('dist/.complete'), () => build());
 */
export function once<T>(lock: string | Lock, isDone: IsDone, fn: Work<T>): Promise<OnceResult<T>>;
export function once<T>(
  lock: string | Lock,
  options: LockOptions,
  isDone: IsDone,
  fn: Work<T>,
): Promise<OnceResult<T>>;
export async function once<T>(
  lock: string | Lock,
  ...rest: [IsDone, Work<T>] | [LockOptions, IsDone, Work<T>]
): Promise<OnceResult<T>> {
  const [options, isDone, fn] = rest.length === 2 ? [{}, ...rest] : rest;
  if (await isDone()) return { hasRun: false };
  return withLock(lock, options, async (guard): Promise<OnceResult<T>> => {
    if (await isDone()) return { hasRun: false };
    return { hasRun: true, value: await fn(guard) };
  });
}
