import { LockLostError } from '../../core/errors.js';

/** @throws LockError HOLDFAST_LOST for `'lost'`. */
export function heldTick(shown: string, found: number | 'lost' | undefined): number | undefined {
  if (found !== 'lost') return found;
  throw new LockLostError(
    `Could not claim a tick of "${shown}": the lock is not held any more. The tick was not run here.`,
    { resource: shown },
  );
}
