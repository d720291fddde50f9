import type { LossReason, RenewalOutcome } from '../../core/lease.js';
import type { Body, HeldState, LeaseState } from './body.js';
import type { Effect, Outcome, Step } from './effects.js';
import type { CoveredChild } from './record.js';
import type { Reading, Version, Written } from './register.js';

/** The state of one hold that is known to have been there last. */
export interface Base {
  readonly generation: bigint;
  readonly state: HeldState;
  readonly version: Version;
}

export type Purpose =
  | { readonly kind: 'renew' }
  | { readonly kind: 'release' }
  /** Names a process that works under the hold. */
  | { readonly kind: 'cover'; readonly child: CoveredChild };

/** One change of one's own hold: plain data, so that it can be searched. */
export interface HoldState {
  readonly phase: 'write' | 'look' | 'rest';
  readonly purpose: Purpose;
  readonly base: Base;
  /** Of the write, unique; a hold has one sequence for each that writes it. */
  readonly nonce: string;
  readonly tries: number;
  readonly failure?: unknown;
  /** The last write met another version than the one of `base`. */
  readonly isRefused?: boolean;
}

export type HoldResult =
  | {
      readonly kind: 'renewal';
      readonly base: Base;
      readonly outcome: RenewalOutcome;
      readonly error?: unknown;
    }
  /** Released or covered; or the hold is over, and what is there is not ours to change. */
  | { readonly kind: 'done'; readonly base: Base }
  /** Nothing could be done about the hold; it ends by itself. */
  | { readonly kind: 'stuck'; readonly error: unknown };

export type HoldStep = Step<HoldState, HoldResult>;

/** One for each renewal that may cross, and some for lost answers. */
const TRIES = 6;
const READ: Effect = { kind: 'read' };

/** The clock that counts for the new deadline is the one before this call. */
export function beginChange(base: Base, purpose: Purpose, nonce: string): HoldStep {
  return attempt({ phase: 'write', purpose, base, nonce, tries: 0 });
}

export function stepHold(state: HoldState, outcome: Outcome): HoldStep {
  switch (state.phase) {
    case 'write':
      if (outcome.kind === 'failed') return undone(state, outcome.error);
      return onWritten(state, outcome.kind === 'written' ? outcome.written : { kind: 'conflict' });
    case 'look':
      if (outcome.kind === 'failed') return undone(state, state.failure ?? outcome.error);
      return onSeen(state, outcome.kind === 'read' ? outcome.reading : { kind: 'absent' });
    case 'rest':
      return { state: { ...state, phase: 'look' }, effect: READ };
  }
}

function attempt(state: HoldState): HoldStep {
  const { base, purpose, nonce, tries } = state;
  const body: Body = {
    generation: base.generation,
    state: next(base.state, purpose),
    nonce: `${nonce}.${tries}`,
  };
  const counted = { ...state, phase: 'write', tries: tries + 1 } as const;
  return { state: counted, effect: { kind: 'write', body, version: base.version } };
}

function next(held: HeldState, purpose: Purpose): LeaseState {
  if (purpose.kind === 'release') return { kind: 'free' };
  const beat = held.beat + 1;
  const { record } = held;
  if (purpose.kind === 'renew' || record === undefined) return { ...held, beat };
  const children = [...record.children, purpose.child];
  return { ...held, beat, record: { ...record, isChildExpected: false, children } };
}

function onWritten(state: HoldState, written: Written): HoldStep {
  const { base, purpose } = state;
  switch (written.kind) {
    case 'landed': {
      const state = next(base.state, purpose);
      const standing = state.kind === 'held' ? { ...base, state, version: written.version } : base;
      if (purpose.kind !== 'renew') return { result: { kind: 'done', base: standing } };
      return { result: { kind: 'renewal', base: standing, outcome: 'extended' } };
    }
    case 'not-landed':
      return undone(state, state.failure);
    case 'conflict':
      return { state: { ...state, phase: 'look', isRefused: true }, effect: READ };
    case 'unknown':
      return { state: { ...state, phase: 'look', failure: written.error, isRefused: false }, effect: READ };
  }
}

/** After a write that failed, or seems to have. */
function onSeen(state: HoldState, reading: Reading): HoldStep {
  const { purpose, base } = state;
  // Older than our own hold: it takes nothing back.
  if (reading.kind === 'value' && reading.body.generation < base.generation) {
    return undone(state, state.failure ?? new Error('the store shows what was there before'));
  }
  const standing = ownIn(base, reading);
  if (standing === undefined) {
    if (purpose.kind !== 'renew') return { result: { kind: 'done', base } };
    const outcome: LossReason = reading.kind === 'absent' ? 'record-missing' : 'taken';
    return { result: { kind: 'renewal', base, outcome } };
  }
  // A renewal that landed at an unknown time, or a change by another thread, is a base and extends nothing.
  if (purpose.kind === 'renew') {
    const { failure: error } = state;
    return {
      result: { kind: 'renewal', base: standing, outcome: 'again', ...(error !== undefined && { error }) },
    };
  }
  const isCovered =
    purpose.kind === 'cover' &&
    standing.state.record?.children.some(
      ({ pid, startTime }) => pid === purpose.child.pid && startTime === purpose.child.startTime,
    );
  // What was refused because it stands no more: the reading is old, and the same write would be refused again.
  if (state.isRefused === true && standing.version === base.version) {
    return undone(state, state.failure ?? new Error('the store shows what was there before'));
  }
  if (isCovered === true) return { result: { kind: 'done', base: standing } };
  return state.tries < TRIES ? attempt({ ...state, base: standing }) : stuck(state);
}

/** The write was not carried out, or could not be asked about. */
function undone(state: HoldState, error: unknown): HoldStep {
  const { base, purpose, tries } = state;
  if (purpose.kind === 'renew') {
    return { result: { kind: 'renewal', base, outcome: 'again', ...(error !== undefined && { error }) } };
  }
  if (tries >= TRIES) return stuck({ ...state, failure: error });
  return { state: { ...state, phase: 'rest', tries: tries + 1, failure: error }, effect: { kind: 'pause' } };
}

function stuck({ failure }: HoldState): HoldStep {
  return { result: { kind: 'stuck', error: failure ?? new Error('the store keeps refusing the change') } };
}

/** Our hold, if it is there. */
function ownIn(base: Base, reading: Reading): Base | undefined {
  if (reading.kind !== 'value') return undefined;
  const { body, version } = reading;
  const { state, generation } = body;
  const isOwn =
    state.kind === 'held' && state.holderId === base.state.holderId && generation === base.generation;
  return isOwn ? { generation, state, version } : undefined;
}
