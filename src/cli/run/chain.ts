import type { HolderInfo } from '../../core/backend.js';
import { ancestorsOf, hostname } from '../../platform/identity.js';

/** The pids of the `holdfast run` processes that a command runs under, the outermost first. */
export const CHAIN_VARIABLE = 'HOLDFAST_ANCESTORS';

export function chainOf(env: NodeJS.ProcessEnv): readonly number[] {
  return (env[CHAIN_VARIABLE] ?? '')
    .split(',')
    .filter((word) => /^\d+$/.test(word))
    .map(Number);
}

/**
 * The holder that waits for us to end, while we would wait for it. The variable alone is no proof: it also
 * reaches commands that were detached from their wrapper, and pids are reused.
 */
export function enclosingHolder(
  holders: readonly HolderInfo[],
  env: NodeJS.ProcessEnv,
): HolderInfo | undefined {
  const chain = chainOf(env);
  if (chain.length === 0) return undefined;
  const above = new Set(ancestorsOf(process.pid));
  return holders.find(
    ({ state, pid, host }) =>
      state === 'holder' &&
      pid !== undefined &&
      chain.includes(pid) &&
      (host === undefined || host === hostname()) &&
      above.has(pid),
  );
}
