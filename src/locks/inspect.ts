import type { HolderInfo } from '../core/backend.js';
import { LockError } from '../core/errors.js';
import { assertNoLease } from './file-choice.js';
import { targetOf, type Lock } from './lock.js';

/** A lock as it was at about one moment. It tells; it decides nothing: by the time it is read, things may have changed. */
export interface Inspection {
  /** As the caller wrote it, without credentials. */
  readonly address: string;
  /** `flock`, `lease`, ... */
  readonly backend: string;
  readonly isHeld: boolean;
  /** One that holds but cannot be seen from here is in this list too, with a note. */
  readonly holders: readonly HolderInfo[];
  readonly waiters: readonly HolderInfo[];
}

/**
 * Tells who holds a lock and who waits for it, and changes nothing: no file is created, no byte written.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH for a kernel lock on the directory of a lease, HOLDFAST_UNSUPPORTED when the backend cannot tell, HOLDFAST_PERMISSION or HOLDFAST_IO when it
 *   cannot look.
 * @example
 * const { isHeld, holders } = await inspect('deploy.lock');
 */
export async function inspect(lock: string | Lock): Promise<Inspection> {
  const { space, resource, address } = targetOf(lock);
  const { backend } = space;
  if (backend.inspect === undefined) {
    throw new LockError(
      `Could not inspect "${address}": the ${backend.name} backend cannot tell who holds it. Ask where it is kept.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: address },
    );
  }
  if (backend.name === 'flock') assertNoLease(resource);
  const found = await backend.inspect(resource);
  const holders = found.filter(({ state }) => state === 'holder');
  const waiters = found.filter(({ state }) => state === 'waiter');
  return { address, backend: backend.name, isHeld: holders.length > 0, holders, waiters };
}
