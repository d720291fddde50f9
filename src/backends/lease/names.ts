/**
 * The name of the one empty file in a lease directory is the lease's state:
 * `s.<g>.free`, `s.<g>.<leaseMs>.<holderId>.<beat>`, `s.<g>.<leaseMs>.revoked`.
 */
export type LeaseState =
  | { readonly kind: 'free'; readonly generation: number }
  | {
      readonly kind: 'held';
      readonly generation: number;
      readonly leaseMs: number;
      readonly holderId: string;
      readonly beat: number;
    }
  | { readonly kind: 'revoked'; readonly generation: number; readonly leaseMs: number };

export type HeldState = Extract<LeaseState, { kind: 'held' }>;

/** At the shortest interval this lasts a year; a hold that gets there ends like any that cannot be renewed. */
export const LAST_BEAT = 99_999_999;

const STATE = /^s\.(\d{16})\.(?:free|(\d{10})\.(?:(revoked)|([a-z2-7]{26})\.(\d{8})))$/;
const RECORD = /^i\.([a-z2-7]{26})\.json$/;
/** Sixteen hexadecimal digits, at random. */
const TEMPORARY = /^t\.[0-9a-f]{16}$/;

export function formatState(state: LeaseState): string {
  const generation = `s.${digits(state.generation, 16)}`;
  if (state.kind === 'free') return `${generation}.free`;
  const lease = `${generation}.${digits(state.leaseMs, 10)}`;
  return state.kind === 'revoked'
    ? `${lease}.revoked`
    : `${lease}.${state.holderId}.${digits(state.beat, 8)}`;
}

/** Undefined for every name that is not exactly a state; see {@link isStateLike} for those that must not be ignored. */
export function parseState(name: string): LeaseState | undefined {
  const match = STATE.exec(name);
  if (match === null) return undefined;
  const [, g, leaseMs, revoked, holderId, beat] = match;
  const generation = Number(g);
  // One more must still be exact: the next claim adds it.
  if (generation >= Number.MAX_SAFE_INTEGER) return undefined;
  if (leaseMs === undefined) return { kind: 'free', generation };
  if (revoked !== undefined) return { kind: 'revoked', generation, leaseMs: Number(leaseMs) };
  return {
    kind: 'held',
    generation,
    leaseMs: Number(leaseMs),
    holderId: holderId as string,
    beat: Number(beat),
  };
}

/** A name that a newer version or a damaged one may have written: it must stop us, never pass for "nothing there". */
export function isStateLike(name: string): boolean {
  return name.startsWith('s.');
}

export function recordName(holderId: string): string {
  return `i.${holderId}.json`;
}

/** The holder whose record `name` is. */
export function holderOfRecord(name: string): string | undefined {
  return RECORD.exec(name)?.[1];
}

/** A record, or a file on its way to becoming one: left behind unless its writer is at work on it. */
export function isRemnant(name: string): boolean {
  return TEMPORARY.test(name) || RECORD.test(name);
}

/** Later states of one generation come after earlier ones: beats, then revoked, then free. */
export function compareStates(a: LeaseState, b: LeaseState): number {
  return a.generation - b.generation || rank(a) - rank(b) || compareText(formatState(a), formatState(b));
}

function rank(state: LeaseState): number {
  if (state.kind === 'held') return state.beat;
  return state.kind === 'revoked' ? LAST_BEAT + 1 : LAST_BEAT + 2;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
