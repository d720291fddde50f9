import type { Mode } from '../core/backend.js';

/** One flock, or one wait for our writers' gate, as the kernel prints it in /proc/locks and in fdinfo. */
export interface LockLine {
  readonly kind: 'flock' | 'gate';
  readonly isWaiter: boolean;
  readonly mode: Mode;
  /**
   * Whoever made the call, in the pid namespace of the reader; it may have died since. undefined where the
   * kernel names nobody: OFD locks, and takers that are dead or invisible in this namespace.
   */
  readonly pid: number | undefined;
  /** See {@link kernelFileKey}. */
  readonly key: string;
}

/** Byte 2^62, alone: where PROTOCOL.md of the flock backend puts its gate. Past 2^53, so compared as text. */
const GATE_OFFSET = '4611686018427387904';

const LINE =
  /^(?:lock:\t)?\d+:\s*(->)?\s*(FLOCK|OFDLCK)\s+\S+\s+(READ|WRITE)\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s+(\d+)\s+(\d+|EOF)\s*$/;

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
