import { spawnSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';

/** What starting Node takes on the machine that the suite was written on, quiet. */
const NOMINAL_START_MS = 45;
/** Runnable tasks per core that slow nothing that a test watches. */
const NOMINAL_LOAD = 3;
const MOST = 10;

const unitNow = (): number => {
  const starts = Array.from({ length: 5 }, () => {
    const since = performance.now();
    spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    return performance.now() - since;
  });
  return (starts.toSorted((a, b) => a - b)[2] as number) / NOMINAL_START_MS;
};

// Vitest loads its configuration once for each project.
const shared = globalThis as { holdfastUnit?: number };
const measured = (shared.holdfastUnit ??= unitNow());

/** How much slower this machine is than the one where the suite's times were chosen: 1 to 10. */
export function machineUnit(): number {
  const load = (loadavg()[0] as number) / availableParallelism() / NOMINAL_LOAD;
  return Math.min(MOST, Math.max(1, measured, load));
}
