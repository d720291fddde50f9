import { closeSync, openSync, readSync, readdirSync } from 'node:fs';

import type { Mode } from '../core/backend.js';
import { availableNative } from './native.js';

/** One flock, or one wait for our writers' gate, as the kernel prints it in /proc/locks and in fdinfo. */
export interface LockLine {
  readonly kind: 'flock' | 'gate';
  readonly isWaiter: boolean;
  readonly mode: Mode;
  /**
   * The process that made the call, in the pid namespace of the reader; it may have died since. undefined where the
   * kernel names none: OFD locks, and takers that are dead or invisible in this namespace.
   */
  readonly pid: number | undefined;
  /** See {@link kernelFileKey}. */
  readonly key: string;
}

/** Byte 2^62, alone: where PROTOCOL.md of the flock backend puts its gate. Past 2^53, so compared as text. */
const GATE_OFFSET = '4611686018427387904';

const LINE =
  /^(?:lock:\t)?\d+:\s*(->)?\s*(FLOCK|OFDLCK)\s+\S+\s+(READ|WRITE)\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s+(\d+)\s+(\d+|EOF)\s*$/;

/** The inode of every line, of whatever kind of lock: which device it is on, the line says in its own way. */
export function inodesOfLockLines(text: string): ReadonlySet<string> {
  return new Set(text.match(/(?<=:[0-9a-f]+:)\d+(?= )/g));
}

/** The lines that mention an inode: parsing 5000 others takes longer than all else. */
function linesOfInode(text: string, inode: string): string {
  const mark = `:${inode} `;
  let found = '';
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at)) {
    const start = text.lastIndexOf('\n', at) + 1;
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    found += `${text.slice(start, end)}\n`;
    at = end;
  }
  return found;
}

/** {@link parseLockLines}, of those that are about one file. */
export function parseLockLinesOf(text: string, key: string): LockLine[] {
  const inode = key.slice(key.lastIndexOf(':') + 1);
  return parseLockLines(linesOfInode(text, inode)).filter((line) => line.key === key);
}

/** Leaves out POSIX locks, leases and OFD locks that are not our gate: none of them excludes a flock. */
export function parseLockLines(text: string): LockLine[] {
  const lines: LockLine[] = [];
  for (const line of text.split('\n')) {
    const [, arrow, kind, access, pid, major, minor, inode, start, end] = LINE.exec(line) ?? [];
    if (kind === undefined || major === undefined || minor === undefined) continue;
    if (kind === 'OFDLCK' && (start !== GATE_OFFSET || end !== GATE_OFFSET)) continue;
    lines.push({
      kind: kind === 'FLOCK' ? 'flock' : 'gate',
      isWaiter: arrow !== undefined,
      mode: access === 'READ' ? 'shared' : 'exclusive',
      pid: Number(pid) > 0 ? Number(pid) : undefined,
      key: `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}:${inode}`,
    });
  }
  return lines;
}

/** The flocks of one process's open files, or why they cannot be known. */
export type ProcessLocks = readonly LockLine[] | 'gone' | 'forbidden';

/** fdinfo prints flocks right after four short lines, before anything of unbounded length. */
const buffer = Buffer.allocUnsafeSlow(4096);
const FLOCK = Buffer.from('FLOCK');

/**
 * The flocks of every file that `pid` has open, whichever process took them: a lock belongs to the open file, and a
 * child that inherited the descriptor holds it as much as its parent.
 *
 * Reads fdinfo of each descriptor: 4 us apiece on Node 20, where `readlink` or `stat` first costs 2 more
 * and a `stat` may hang on a dead file server; fdinfo never asks the file system.
 */
export function locksOfProcess(pid: number): ProcessLocks {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fdinfo`);
  } catch (error) {
    return isForbidden(error) ? 'forbidden' : 'gone';
  }
  const lines: LockLine[] = [];
  for (const descriptor of descriptors) {
    const text = readFlockText(`/proc/${pid}/fdinfo/${descriptor}`);
    if (text !== undefined) lines.push(...parseLockLines(text).filter((line) => line.kind === 'flock'));
  }
  return lines;
}

/**
 * The flocks of those open files of `pid` that were opened as `path`: a first guess, since a name may have others, and a
 * process that holds thousands of locks has thousands of descriptors. Reads their links, which asks no file system.
 */
export function locksOfProcessAt(pid: number, path: string): readonly LockLine[] {
  const names = availableNative()?.descriptorsOf?.(pid, path) ?? [];
  return names.flatMap((descriptor) => {
    const text = readFlockText(`/proc/${pid}/fdinfo/${descriptor}`);
    return text === undefined ? [] : parseLockLines(text).filter((line) => line.kind === 'flock');
  });
}

/** undefined for the many descriptors without a flock, and for those closed since they were listed. */
export function readFlockText(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const text = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
    return text.includes(FLOCK) ? text.toString('latin1') : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}
