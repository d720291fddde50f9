const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds of a duration as people type it: `1500ms`, `5s`, `2.5` (seconds), `10m`, `2h`, `1d`, `infinite`.
 *
 * @throws RangeError for anything else, negative numbers and the empty text included.
 */
export function parseDuration(text: string): number {
  if (text === 'infinite') return Infinity;
  const match = /^(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) {
    throw new RangeError(
      `Could not read the duration "${text}": it is none of 1500ms, 5s, 2.5 (seconds), 10m, 2h, infinite.`,
    );
  }
  return Number(match[1]) * (UNIT_MS[match[2] ?? 's'] as number);
}

/**
 * The shortest readable text for milliseconds: `350 ms`, `2 s`, `1.5 s`, `1 min 30 s`, `2 h 5 min`, `infinite`.
 * Never throws.
 */
export function formatDuration(durationMs: number): string {
  if (durationMs === Infinity) return 'infinite';
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${Number((durationMs / 1_000).toFixed(1))} s`;
  const totalSeconds = Math.round(durationMs / 1_000);
  const minutes = Math.floor(totalSeconds / 60);
  if (minutes < 60) return joinUnits(minutes, 'min', totalSeconds % 60, 's');
  return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
