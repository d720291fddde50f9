import { waitChain, type WaitChain } from '../platform/wait-graph.js';
import { LockError } from '../core/errors.js';
import { targetOf, type Lock } from './lock.js';

/**
 * Why a lock is not free: who holds it, what the holders wait for themselves, and so on, to the end or to a cycle.
 * Kernel locks only; on Linux, of processes that can be seen from here.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for other backends.
 */
export function explain(lock: string | Lock): Promise<WaitChain> {
  const { space, resource, address } = targetOf(lock);
  if (space.backend.name === 'flock') return waitChain(resource);
  throw new LockError(
    `Could not explain "${address}": only for kernel locks can it be seen what a holder waits for. Use inspect().`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}
