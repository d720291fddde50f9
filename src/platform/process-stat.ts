import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** What /proc/PID/stat has about one process; see proc_pid_stat(5) for the fields. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  /** Foreground process group of the controlling terminal; -1 without one. */
  readonly terminalGroup: number;
  readonly threadCount: number;
  /** Clock ticks since boot, shifted by the reader's time namespace. Together with the pid it is never reused. */
  readonly startTime: number;
}

/**
 * undefined when there is no such process, no /proc, or it may not be read. Read as UTF-8, whatever the name is in:
 * Node has a short way for that and none for others, whose first use takes 0.6 ms.
 */
export function readProcessStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The name stands in parentheses and may itself contain `) ` and newlines: the last parenthesis ends it. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  // fields[0] is field 3 of the manual page.
  const fields = text.slice(close + 2).split(' ');
  const at = (field: number): number => Number(fields[field - 3]);
  const stat = {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parentPid: at(4),
    processGroup: at(5),
    session: at(6),
    terminalGroup: at(8),
    threadCount: at(20),
    startTime: at(22),
  };
  return Number.isNaN(stat.startTime) || Number.isNaN(stat.pid) ? undefined : stat;
}

/** Dead but not yet reaped. A main thread that ended before its siblings also reads `Z`, but they still run. */
export function isZombie(stat: ProcessStat): boolean {
  return stat.state === 'X' || (stat.state === 'Z' && stat.threadCount <= 1);
}

/** Every process id that /proc shows; empty where there is no /proc. */
export function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

let isOurs: boolean | undefined;

/**
 * Whether /proc shows this process's own pid namespace. After `unshare --pid` without a new mount it shows
 * the parent's: there every number means another process.
 */
export function isProcOurs(): boolean {
  if (isOurs === undefined) {
    try {
      isOurs = readlinkSync('/proc/self') === String(process.pid);
    } catch {
      isOurs = false;
    }
  }
  return isOurs;
}
