import type { Effect, Outcome, Step } from './effects.js';
import type { Body } from './body.js';

/** Ending the hold of another by its name. */
export interface BreakState {
  readonly phase: 'look' | 'write';
  readonly holderId: string;
  /** Straight to free: the holder may go on believing until its next renewal, and only tokens protect. */
  readonly isImmediate: boolean;
  /** Of the one that breaks. */
  readonly nonce: string;
  readonly tries: number;
  readonly failure?: unknown;
}

export type BreakResult =
  | { readonly kind: 'broken' }
  | { readonly kind: 'not-holder' }
  | { readonly kind: 'failed'; readonly error: unknown };

export type BreakStep = Step<BreakState, BreakResult>;

/** A holder that renews moves on under our hands: once per renewal, so a few tries are plenty. */
const TRIES = 5;
const READ: Effect = { kind: 'read' };

export function beginBreak(holderId: string, isImmediate: boolean, nonce: string): BreakStep {
  return { state: { phase: 'look', holderId, isImmediate, nonce, tries: 0 }, effect: READ };
}

export function stepBreak(state: BreakState, outcome: Outcome): BreakStep {
  if (outcome.kind === 'failed') return { result: outcome };
  if (state.phase === 'write') {
    const written = outcome.kind === 'written' ? outcome.written : undefined;
    if (written?.kind === 'landed') return { result: { kind: 'broken' } };
    const failure = written?.kind === 'unknown' ? { failure: written.error } : {};
    return { state: { ...state, ...failure, phase: 'look' }, effect: READ };
  }
  return onSeen(state, outcome);
}

function onSeen(state: BreakState, outcome: Outcome): BreakStep {
  const reading = outcome.kind === 'read' ? outcome.reading : undefined;
  const held = reading?.kind === 'value' ? reading.body.state : undefined;
  if (reading?.kind !== 'value' || held?.kind !== 'held' || held.holderId !== state.holderId) {
    // After a write of ours that may have landed: what is there now proves that the hold is over.
    return { result: { kind: state.tries > 0 ? 'broken' : 'not-holder' } };
  }
  if (state.tries >= TRIES) return { result: { kind: 'failed', error: state.failure } };
  const body: Body = {
    generation: reading.body.generation,
    state: state.isImmediate ? { kind: 'free' } : { kind: 'revoked', leaseMs: held.leaseMs },
    nonce: `${state.nonce}.${state.tries}`,
  };
  return {
    state: { ...state, phase: 'write', tries: state.tries + 1 },
    effect: { kind: 'write', body, version: reading.version },
  };
}
