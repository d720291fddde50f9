import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

import type { Mode } from '../core/backend.js';
import { isInitialPidNamespace, programOf } from './identity.js';
import { parseLockLines, readFlockText, type LockLine } from './lock-lines.js';
import { isProcOurs, listPids, readProcessStat } from './process-stat.js';

export interface FileHolder {
  readonly pid: number;
  readonly mode: Mode;
  /** As `processStartTime` gives it. */
  readonly startTime: number | undefined;
  /** It made the flock call. `false`: it inherited the open file. */
  readonly isTaker: boolean;
}

export interface FileWaiter {
  /** undefined for one that waits at the writers' gate: the kernel names no process there. */
  readonly pid: number | undefined;
  readonly mode: Mode;
}

/** A file with a flock, or one that processes wait for, at about one moment. */
export interface HeldFile {
  /** See `kernelFileKey`. */
  readonly key: string;
  /** As a holder opened it; undefined where no holder's files may be read. */
  readonly path: string | undefined;
  readonly holders: readonly FileHolder[];
  readonly waiters: readonly FileWaiter[];
}

/** What one process has locked, as long as its lines in the kernel's table are the same. */
interface ProcessHolds {
  readonly signature: string;
  readonly startTime: number | undefined;
  readonly holds: readonly { readonly key: string; readonly mode: Mode; readonly path: string | undefined }[];
}

interface File {
  readonly holders: FileHolder[];
  readonly waiters: FileWaiter[];
  path: string | undefined;
}

function holdName(pid: number | undefined, key: string, mode: Mode): string {
  return `${pid} ${key} ${mode}`;
}

/** How often all processes are looked at for locks that the processes which took them do not explain. */
const FULL_SCAN_EVERY = 10;

/**
 * Every flock of this machine, look after look. While the kernel's table stays the same a look costs reading it, however
 * many locks there are; a process whose lines changed is read again, and the others are not.
 */
export class HeldFiles {
  readonly #processes = new Map<number, ProcessHolds>();
  readonly #programs = new Map<number, { startTime: number | undefined; program: string | undefined }>();
  #text: string | undefined;
  #files: readonly HeldFile[] = [];
  #looks = 0;
  #isExplained = true;

  /** Empty where there is no such table. */
  look(): readonly HeldFile[] {
    const text = readKernelText();
    const isDue = this.#looks++ % FULL_SCAN_EVERY === 0 && !this.#isExplained;
    if (text === this.#text && !isDue) return this.#files;
    this.#text = text;
    this.#files = text === undefined ? [] : this.#read(parseLockLines(text));
    return this.#files;
  }

  /** The program that a process runs; read once per process. @param startTime where it is known already. */
  programOf(pid: number, startTime = readProcessStat(pid)?.startTime): string | undefined {
    const known = this.#programs.get(pid);
    if (known !== undefined && known.startTime === startTime) return known.program;
    const program = programOf(pid);
    this.#programs.set(pid, { startTime, program });
    return program;
  }

  #read(lines: readonly LockLine[]): readonly HeldFile[] {
    const files = new Map<string, File>();
    const linesOf = new Map<number, string[]>();
    const takers = new Map<string, LockLine>();
    for (const line of lines) {
      const { kind, isWaiter, key, pid, mode } = line;
      // A reader passes the gate in no time; only who waits there is of interest.
      if (kind === 'gate' && !isWaiter) continue;
      const file = files.get(key) ?? { holders: [], waiters: [], path: undefined };
      files.set(key, file);
      if (isWaiter) file.waiters.push({ pid, mode });
      else takers.set(holdName(pid, key, mode), line);
      if (pid === undefined) continue;
      const own = linesOf.get(pid) ?? [];
      linesOf.set(pid, own);
      own.push(`${isWaiter ? '>' : ''}${key}${mode}`);
    }
    const add = (pid: number, signature: string): void => {
      const { holds, startTime } = this.#holdsOf(pid, signature);
      for (const { key, mode, path } of holds) {
        const file = files.get(key);
        if (file === undefined) continue;
        file.holders.push({ pid, mode, startTime, isTaker: takers.delete(holdName(pid, key, mode)) });
        file.path ??= path;
      }
    };
    // Waiters too: they may have inherited a lock, which is how a command below another gets into a deadlock.
    for (const [pid, own] of linesOf) add(pid, own.join());
    this.#isExplained = takers.size === 0 && isInitialPidNamespace();
    if (!this.#isExplained) {
      for (const pid of listPids()) if (!linesOf.has(pid)) add(pid, `look ${this.#looks}`);
      this.#addHidden(takers.values(), files);
    }
    for (const known of [this.#processes, this.#programs])
      for (const pid of known.keys()) if (!linesOf.has(pid)) known.delete(pid);
    return [...files].map(([key, file]) => ({ key, ...file }));
  }

  /** The kernel's word is all there is about a process whose files are hidden from us. */
  #addHidden(lines: Iterable<LockLine>, files: ReadonlyMap<string, File>): void {
    for (const { pid, key, mode } of lines) {
      const startTime = pid === undefined ? undefined : readProcessStat(pid)?.startTime;
      if (pid !== undefined && startTime !== undefined)
        files.get(key)?.holders.push({ pid, mode, startTime, isTaker: true });
    }
  }

  #holdsOf(pid: number, signature: string): ProcessHolds {
    const startTime = readProcessStat(pid)?.startTime;
    const known = this.#processes.get(pid);
    if (known !== undefined && known.signature === signature && known.startTime === startTime) return known;
    const found = { signature, startTime, holds: holdsOfProcess(pid) };
    this.#processes.set(pid, found);
    return found;
  }
}

/** The flocks of all open files of `pid`, with their paths; each lock once. */
function holdsOfProcess(pid: number): ProcessHolds['holds'] {
  const found = new Map<string, { key: string; mode: Mode; path: string | undefined }>();
  for (const descriptor of descriptorsOf(pid)) {
    const text = readFlockText(`/proc/${pid}/fdinfo/${descriptor}`);
    if (text === undefined) continue;
    for (const { kind, key, mode } of parseLockLines(text)) {
      const name = `${key} ${mode}`;
      if (kind === 'flock' && !found.has(name)) {
        found.set(name, { key, mode, path: linkOf(`/proc/${pid}/fd/${descriptor}`) });
      }
    }
  }
  return [...found.values()];
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fdinfo`);
  } catch {
    // Ended, or another user's.
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readKernelText(): string | undefined {
  if (!isProcOurs()) return undefined;
  try {
    return readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
}
