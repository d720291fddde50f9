import { LockError } from '../core/errors.js';
import { targetOf, type Lock } from './lock.js';

export interface BreakOptions {
  /**
   * Free it for others at once. Its holder goes on believing until its next renewal, so two may work at the same time
   * and only a resource that checks fencing tokens is safe. Default false: others wait until the holder must have noticed.
   */
  readonly isImmediate?: boolean;
}

/**
 * Ends somebody else's hold by its holder id, which `inspect` tells. The holder learns of it at its next renewal at
 * the latest.
 *
 * @returns false when that hold is over already, or was never there: nothing was changed.
 * @throws LockError HOLDFAST_UNSUPPORTED for kernel locks, which end with their process; HOLDFAST_PERMISSION or
 *   HOLDFAST_IO when the record could not be changed.
 */
export async function breakLock(
  lock: string | Lock,
  holderId: string,
  options: BreakOptions = {},
): Promise<boolean> {
  const { space, resource } = targetOf(lock);
  if (space.backend.forceRelease === undefined) throw await unbreakable(lock);
  return space.backend.forceRelease(resource, holderId, options);
}

/**
 * Asks nobody, changes nothing: for those who want to know before they ask a person.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when a hold of this lock ends with its process and can not be broken.
 */
export async function assertBreakable(lock: string | Lock): Promise<void> {
  if (targetOf(lock).space.backend.forceRelease === undefined) throw await unbreakable(lock);
}

async function unbreakable(lock: string | Lock): Promise<LockError> {
  const { space, resource, address } = targetOf(lock);
  const { backend } = space;
  const holders = (await backend.inspect?.(resource)) ?? [];
  const pids = holders.flatMap(({ state, pid }) => (state === 'holder' && pid !== undefined ? [pid] : []));
  const next = pids.length === 0 ? 'Stop the process that holds it' : `Stop pid ${pids.join(' and ')}`;
  return new LockError(
    `Could not break "${address}": a ${backend.name} lock is held by the process itself and ends with it. ${next}.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address, holders },
  );
}
