import type { Mode } from '../core/backend.js';

/** One hold as its own process saw it: from after the grant to before the release. Host-wide monotonic milliseconds. */
export interface HoldInterval {
  readonly holder: string;
  readonly mode: Mode;
  readonly from: number;
  readonly to: number;
  readonly token?: string;
}

/** Pairs of holds that excluded each other and were there at once. Empty is what a lock promises. */
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
