import type { Guard } from '../../core/guard.js';
import type { EnvironmentChanges } from '../../process/bytes.js';
import { CHAIN_VARIABLE, chainOf } from './chain.js';

/** Random for each hold, so it also marks the command's whole tree. */
export const HOLDER_VARIABLE = 'HOLDFAST_HOLDER';

/** What the command of `run` finds in its environment of its lock, besides our own. */
export function environmentOf({
  guard,
  lock,
}: {
  readonly guard: Guard;
  readonly lock: string;
}): EnvironmentChanges {
  return {
    HOLDFAST_LOCK: lock,
    [HOLDER_VARIABLE]: guard.holderId,
    [CHAIN_VARIABLE]: [...chainOf(process.env), process.pid].join(','),
    // That of an enclosing wrapper is another lock's.
    HOLDFAST_TOKEN: guard.fencingToken === undefined ? undefined : String(guard.fencingToken),
  };
}
