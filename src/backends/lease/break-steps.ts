import type { Outcome, Step } from './effects.js';
import { readListing } from './listing.js';
import { formatState } from './names.js';

/** Ending another holder's hold by its name. */
export interface BreakState {
  readonly phase: 'list' | 'rename' | 'probe' | 'list-after';
  readonly holderId: string;
  /** Straight to free: the holder may go on believing until its next renewal, and only tokens protect. */
  readonly isImmediate: boolean;
  readonly from?: string;
  readonly failure?: unknown;
  readonly tryCount: number;
}

export type BreakResult =
  | { readonly kind: 'broken' }
  | { readonly kind: 'not-holder' }
  | { readonly kind: 'failed'; readonly error: unknown };

export type BreakStep = Step<BreakState, BreakResult>;

/** A holder that renews moves on under our hands: once per renewal, so a few tries are plenty. */
const BREAK_TRIES = 5;

export function beginBreak(holderId: string, isImmediate: boolean): BreakStep {
  return { state: { phase: 'list', holderId, isImmediate, tryCount: 0 }, effect: { kind: 'list' } };
}

export function stepBreak(state: BreakState, outcome: Outcome): BreakStep {
  switch (state.phase) {
    case 'list':
    case 'list-after':
      return onListed(state, outcome);
    case 'rename':
      if (outcome.kind !== 'failed') return { result: { kind: 'broken' } };
      return { state: { ...state, phase: 'probe', failure: outcome.error }, effect: { kind: 'probe' } };
    case 'probe':
      return { state: { ...state, phase: 'list-after' }, effect: { kind: 'list' } };
  }
}

function onListed(state: BreakState, outcome: Outcome): BreakStep {
  if (outcome.kind === 'failed') return { result: { kind: 'failed', error: outcome.error } };
  const listing = readListing(outcome.kind === 'listed' ? outcome.names : []);
  const current = listing.kind === 'state' ? listing.state : undefined;
  if (current?.kind !== 'held' || current.holderId !== state.holderId) {
    // After a rename of ours that may have landed, the next contender proves that the hold is over.
    return { result: { kind: state.phase === 'list-after' ? 'broken' : 'not-holder' } };
  }
  const tryCount = state.tryCount + 1;
  if (tryCount > BREAK_TRIES) return { result: { kind: 'failed', error: state.failure } };
  const { generation, leaseMs } = current;
  const from = formatState(current);
  const to = formatState(
    state.isImmediate ? { kind: 'free', generation } : { kind: 'revoked', generation, leaseMs },
  );
  return { state: { ...state, phase: 'rename', from, tryCount }, effect: { kind: 'rename', from, to } };
}
