import { acquire } from '../core/acquire.js';
import type { Backend } from '../core/backend.js';
import { LockSpace } from '../core/lock-space.js';
import { resolveOptions, type LockOptions } from '../core/options.js';
import { flockObserver } from '../backends/flock/index.js';
import { systemClock } from '../platform/clock.js';
import { inspect } from './inspect.js';
import { targetOf, type Lock } from './lock.js';

/**
 * Resolves once nobody holds the lock, without taking it, except for the moment that proves it on kernel locks.
 * It may be taken again by the time the caller hears of it.
 *
 * @throws as `acquire`, by the same options.
 */
export async function waitUntilFree(lock: string | Lock, options: LockOptions): Promise<void> {
  const target = targetOf(lock);
  const backend =
    target.space.backend.name === 'flock' ? flockObserver : pollingObserver(lock, target.space.backend);
  // A space of its own: whoever only waits for the end of a hold has no place in the queue of those who want it.
  const space = new LockSpace(backend, systemClock);
  await acquire({ ...target, space }, resolveOptions(options, target.space.hasLeases));
}

function pollingObserver(lock: string | Lock, observed: Backend): Backend {
  return {
    name: observed.name,
    capabilities: { ...observed.capabilities, orphan: 'released', modes: ['exclusive'] },
    async tryAcquire() {
      if ((await inspect(lock)).isHeld) return { kind: 'contended' };
      const nothing = (): undefined => undefined;
      return { kind: 'granted', grant: { check: nothing, onLost: nothing, release: nothing } };
    },
    ...(observed.inspect !== undefined && {
      inspect: (resource) => observed.inspect?.(resource) ?? Promise.resolve([]),
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
