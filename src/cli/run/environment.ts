import type { Guard } from '../../core/guard.js';
import { CHAIN_VARIABLE, chainOf } from './chain.js';

/** Random for each hold, so it also marks the command's whole tree. */
export const HOLDER_VARIABLE = 'HOLDFAST_HOLDER';

/** What the command of `run` finds in its environment: our own, and what it is told of its lock. */
export function environmentOf({
  guard,
  lock,
}: {
  readonly guard: Guard;
  readonly lock: string;
}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOLDFAST_LOCK: lock,
    [HOLDER_VARIABLE]: guard.holderId,
    [CHAIN_VARIABLE]: [...chainOf(process.env), process.pid].join(','),
  };
  // That of an enclosing wrapper is another lock's.
  if (guard.fencingToken === undefined) delete env['HOLDFAST_TOKEN'];
  else env['HOLDFAST_TOKEN'] = String(guard.fencingToken);
  return env;
}
