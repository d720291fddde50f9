import type { Mode } from '../core/backend.js';

/** One hold as its own process saw it: from after the grant to before the release. Host-wide monotonic milliseconds. */
export interface HoldInterval {
  /** Identity of the hold. */
  readonly holder: string;
  /** Mode of the hold. */
  readonly mode: Mode;
  /** When it began, in milliseconds of a clock that all recorders share. */
  readonly from: number;
  /** When it ended, in milliseconds of the same clock. */
  readonly to: number;
  /** Fencing token, as a decimal string. Absent where there is none. */
  readonly token?: string;
}

/**
 * Pairs of holds that overlapped although they exclude each other. A correct lock gives an empty list. Never
 * throws.
 */
export function overlapsOf(
  intervals: readonly HoldInterval[],
): readonly (readonly [HoldInterval, HoldInterval])[] {
  const ordered = intervals.toSorted((a, b) => a.from - b.from);
  const overlaps: [HoldInterval, HoldInterval][] = [];
  let open: HoldInterval[] = [];
  for (const interval of ordered) {
    open = open.filter((earlier) => earlier.to > interval.from);
    for (const earlier of open) {
      if (earlier.mode === 'exclusive' || interval.mode === 'exclusive') overlaps.push([earlier, interval]);
    }
    open.push(interval);
  }
  return overlaps;
}
