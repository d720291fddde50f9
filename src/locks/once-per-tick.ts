import type { Backend } from '../core/backend.js';
import { LockError } from '../core/errors.js';
import type { LockOptions } from '../core/options.js';
import { withLock, type Work } from './acquire.js';
import { targetOf, type Lock } from './lock.js';

/** What {@link oncePerTick} did: ran the work, or found that this tick or a later one had been run. */
export type TickResult<T> =
  { readonly hasRun: true; readonly value: T } | { readonly hasRun: false; readonly lastTick: number };

/**
 * Runs `fn` once for each `tick`, however many processes and hosts call this, and however their clocks differ. The last
 * tick is kept beside the lock; ticks only rise, so one that is not above it is skipped. It is written before `fn` runs: a
 * tick whose process dies or whose `fn` throws has run, and is not run again.
 *
 * Holds the lock while `fn` runs, so that two ticks never overlap; the next one waits, by `options.timeoutMs`.
 *
 * @param tick a safe integer from 0 on that all callers compute alike: the scheduled time in milliseconds, a day's number.
 * @throws RangeError for another tick; LockError HOLDFAST_UNSUPPORTED over postgres, git and s3, and for kernel locks on
 *   directories, files of others and Windows; what `withLock` and `fn` throw.
 * @example
 * await oncePerTick('nightly.lock', Math.floor(Date.now() / 86_400_000), async () => { await cleanUp(); });
 */
export function oncePerTick<T>(lock: string | Lock, tick: number, fn: Work<T>): Promise<TickResult<T>>;
export function oncePerTick<T>(
  lock: string | Lock,
  tick: number,
  options: LockOptions,
  fn: Work<T>,
): Promise<TickResult<T>>;
export async function oncePerTick<T>(
  lock: string | Lock,
  tick: number,
  ...rest: [Work<T>] | [LockOptions, Work<T>]
): Promise<TickResult<T>> {
  const [options, fn] = rest.length === 1 ? [{}, ...rest] : rest;
  assertTick(tick);
  const { resource, backend } = tickStoreOf(lock);
  // Most calls end here, without the lock.
  const last = await backend.lastTick(resource);
  if (last !== undefined && last >= tick) return { hasRun: false, lastTick: last };
  return withLock(lock, { ...options, mode: 'exclusive', fencing: true }, async (guard) => {
    const { holderId } = guard;
    const lastTick = await backend.claimTick({ resource, holderId }, tick);
    if (lastTick !== undefined) return { hasRun: false, lastTick };
    guard.assertHeld();
    return { hasRun: true, value: await fn(guard) };
  });
}

function assertTick(tick: number): void {
  if (typeof tick === 'number' && Number.isSafeInteger(tick) && tick >= 0) return;
  throw new RangeError(`The tick must be a safe integer from 0 on, not ${String(tick)}.`);
}

type TickStore = Backend & Required<Pick<Backend, 'lastTick' | 'claimTick'>>;

function tickStoreOf(lock: string | Lock): { resource: string; backend: TickStore } {
  const { namespace, resource, address } = targetOf(lock);
  const { backend } = namespace;
  if (keepsTicks(backend)) return { resource, backend };
  throw new LockError(
    `Could not run "${address}" once per tick: the ${backend.name} backend keeps no ticks. Use a path, lease:PATH, redis:// or etcd://.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}

function keepsTicks(backend: Backend): backend is TickStore {
  return backend.capabilities.ticks === true;
}
