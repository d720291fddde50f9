import { readFileSync, realpathSync, statSync } from 'node:fs';

import type { Clock } from '../core/time.js';
import type { Mode } from '../core/backend.js';
import { systemClock } from './clock.js';
import {
  type LockLine,
  locksOfProcess,
  locksOfProcessAt,
  parseLockLines,
  parseLockLinesOf,
} from './lock-lines.js';
import { kernelFileKey } from './mounts.js';
import { fileSystemKind } from './filesystem.js';
import { availableNative } from './native.js';
import { isInitialPidNamespace, programOf } from './identity.js';
import { isProcOurs, listPids, readProcessStat } from './process-stat.js';

export interface LockTableHolder {
  readonly pid: number;
  readonly mode: Mode;
  /** As `processStartTime` gives it. */
  readonly startTime: number | undefined;
  readonly program: string | undefined;
  /** It made the flock call. `false`: it inherited the open file, and holds the lock as much. */
  readonly isTaker: boolean;
  /** Seen to have the file open. `false`: the kernel says it took the lock, but its files may not be read. */
  readonly isConfirmed: boolean;
}

export interface LockTableWaiter {
  /** undefined for one that waits at the writers' gate: the kernel names no process there. */
  readonly pid: number | undefined;
  readonly mode: Mode;
}

/** The holders and waiters of the flock of one file, at about one moment. Display data: it decides nothing. */
export interface LockTable {
  /** May be empty although `isHeld`: the holder belongs to another user or pid namespace. */
  readonly holders: readonly LockTableHolder[];
  readonly waiters: readonly LockTableWaiter[];
  /**
   * undefined when nothing is visible and that proves nothing: in a pid namespace the locks of others are
   * hidden, and on a network file system those of other hosts.
   */
  readonly isHeld: boolean | undefined;
}

export interface HeldLock extends LockTable {
  /** The file as {@link kernelFileKey} names it; the kernel keeps no path. */
  readonly key: string;
  readonly isHeld: true;
}

const UNKNOWN: LockTable = { holders: [], waiters: [], isHeld: undefined };
const FREE: LockTable = { holders: [], waiters: [], isHeld: false };

/** How long a scan occupies the event loop at a stretch. */
const STRETCH_MS = 5;

/**
 * The lock table of the file at `path`; a file that does not exist is free. Looks at the processes that took
 * the lock first, and at all others only when those do not explain it, giving the event loop a turn every
 * few milliseconds, though not in the middle of one process's descriptors. Outside Linux everything is unknown.
 */
export function readLockTable(path: string, clock: Clock = systemClock): Promise<LockTable> {
  return inTurns(readTable(path), clock);
}

/** {@link readLockTable} for callers that cannot await; blocks the thread, for at most 5 us per open descriptor of the host. */
export function readLockTableSync(path: string): LockTable {
  return atOnce(readTable(path));
}

/** Every flock that is visible from here, with all processes that share it. Always looks at every process. */
export function heldLocks(clock: Clock = systemClock): Promise<readonly HeldLock[]> {
  return inTurns(readAll(), clock);
}

/** Yields wherever the event loop may take a turn. */
type Scan<T> = Generator<undefined, T, undefined>;

function* readTable(path: string): Scan<LockTable> {
  const text = readKernelText();
  if (text === undefined) return UNKNOWN;
  let key: string | undefined;
  try {
    key = kernelFileKey(path);
  } catch {
    return UNKNOWN;
  }
  if (key === undefined) return FREE;
  const isNamespaced = !isInitialPidNamespace();
  const own = parseLockLinesOf(text, key);
  if (!own.some((line) => line.kind === 'flock') && !isNamespaced) {
    const isProof = fileSystemKind(path).kind === 'local';
    return { ...FREE, waiters: waitersOf(own), isHeld: isProof ? false : undefined };
  }
  const holders: LockTableHolder[] = [];
  const takers = takersOf(own);
  const realPath = takers.length === 0 ? path : realPathAsOpened(path);
  for (const pid of takers) holders.push(...takersHolds(pid, { key, own, path: realPath }));
  const isExplained = holdLines(own).every((line) => holders.some((holder) => holder.pid === line.pid));
  if (!isExplained || (isNamespaced && holders.length === 0)) {
    for (const pid of listPids()) {
      if (takers.includes(pid)) continue;
      holders.push(...holdersOf(key, holdersIn(pid, own)));
      yield undefined;
    }
  }
  const isHeld = holders.length > 0 || own.some((line) => line.kind === 'flock');
  return { holders, waiters: waitersOf(own), isHeld: isHeld ? true : undefined };
}

function* readAll(): Scan<readonly HeldLock[]> {
  const text = readKernelText();
  if (text === undefined) return [];
  const lines = parseLockLines(text);
  const byKey = new Map<string, LockTableHolder[]>();
  for (const line of lines) if (line.kind === 'flock' && !byKey.has(line.key)) byKey.set(line.key, []);
  for (const pid of listPids()) {
    for (const { key, holder } of holdersIn(pid, lines)) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [holder]);
      else known.push(holder);
    }
    yield undefined;
  }
  const waits = new Map<string, LockLine[]>();
  for (const line of lines) if (line.isWaiter) waits.set(line.key, [...(waits.get(line.key) ?? []), line]);
  return [...byKey].map(([key, holders]) => {
    return { key, holders, waiters: waitersOf(waits.get(key) ?? []), isHeld: true };
  });
}

interface Hold {
  readonly key: string;
  readonly holder: LockTableHolder;
}

/** What a taker of the lock `key` still has of it; where its descriptors show it at once, the thousand others are not read. */
function takersHolds(
  pid: number,
  { key, own, path }: { key: string; own: readonly LockLine[]; path: string },
): LockTableHolder[] {
  const guessed =
    pid === process.pid && isHeldHere(path)
      ? holdLines(own).filter((line) => line.pid === pid)
      : locksOfProcessAt(pid, path).filter((line) => line.key === key);
  return holdersOf(key, guessed.length > 0 ? holdsOf(pid, guessed, true) : holdersIn(pid, own));
}

/** This thread's own holds need no look at its descriptors. */
function isHeldHere(path: string): boolean {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status !== undefined && availableNative()?.holdsFile?.(status.dev, status.ino) === true;
}

/** As /proc/PID/fd would show it to us. */
function realPathAsOpened(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function holdersOf(key: string, found: readonly Hold[]): LockTableHolder[] {
  return found.filter((hold) => hold.key === key).map((hold) => hold.holder);
}

/** What `pid` holds; once per lock, however many descriptors it has for it. */
function holdersIn(pid: number, lines: readonly LockLine[]): Hold[] {
  const found = locksOfProcess(pid);
  if (found === 'gone') return [];
  const isConfirmed = found !== 'forbidden';
  // The kernel's table is all there is about a process whose files are hidden from us.
  const held = isConfirmed ? found : holdLines(lines).filter((line) => line.pid === pid);
  return holdsOf(pid, held, isConfirmed);
}

function holdsOf(pid: number, held: readonly LockLine[], isConfirmed: boolean): Hold[] {
  const distinct = new Map(held.map((line) => [`${line.key} ${line.mode}`, line]));
  if (distinct.size === 0) return [];
  const startTime = readProcessStat(pid)?.startTime;
  const program = programOf(pid);
  return [...distinct.values()].map(({ key, mode }) => {
    const isTaker = held.some((line) => line.key === key && line.mode === mode && line.pid === pid);
    return { key, holder: { pid, mode, startTime, program, isTaker, isConfirmed } };
  });
}

function holdLines(lines: readonly LockLine[]): LockLine[] {
  return lines.filter((line) => line.kind === 'flock' && !line.isWaiter);
}

function takersOf(lines: readonly LockLine[]): number[] {
  return [...new Set(holdLines(lines).map((line) => line.pid))].filter((pid) => pid !== undefined);
}

function waitersOf(lines: readonly LockLine[]): LockTableWaiter[] {
  return lines.filter((line) => line.isWaiter).map(({ pid, mode }) => ({ pid, mode }));
}

/** undefined where there is no such table, or where its pids would mean other processes. */
function readKernelText(): string | undefined {
  if (!isProcOurs()) return undefined;
  try {
    return readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
}

function atOnce<T>(scan: Scan<T>): T {
  for (;;) {
    const step = scan.next();
    if (step.done === true) return step.value;
  }
}

async function inTurns<T>(scan: Scan<T>, clock: Clock): Promise<T> {
  let turnEndsAfter = clock.now() + STRETCH_MS;
  for (;;) {
    const step = scan.next();
    if (step.done === true) return step.value;
    if (clock.now() < turnEndsAfter) continue;
    await new Promise<void>((resolve) => clock.yieldTurn(resolve));
    turnEndsAfter = clock.now() + STRETCH_MS;
  }
}
