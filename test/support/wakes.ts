import { readdirSync, readFileSync } from 'node:fs';

/**
 * How often the threads of a process have gone to sleep so far. Unlike processor time it does not depend on how fast
 * the machine is: who polls wakes for each poll, and who waits in the kernel does not.
 */
export function sleepsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1'))
    .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0), 0);
}
