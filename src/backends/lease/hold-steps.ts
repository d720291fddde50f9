import type { LossReason, RenewalOutcome } from '../../core/lease.js';
import { ABSENT_LISTINGS } from './config.js';
import type { Outcome, Step } from './effects.js';
import { readListing } from './listing.js';
import { compareStates, formatState, LAST_BEAT, recordName, type HeldState } from './names.js';

/** Renewals and the release of one hold: plain data, so that they can be searched. */
export interface HoldState {
  readonly phase: 'rename' | 'probe' | 'list' | 'look-again' | 'look-only' | 'forget';
  readonly purpose: 'renew' | 'release';
  /** The name that we believe to be there. */
  readonly base: HeldState;
  readonly absentCount: number;
  readonly failure?: unknown;
  /** Listings during a release that showed our name although the rename from it had failed. */
  readonly retryCount: number;
}

export type HoldResult =
  | { readonly kind: 'renewal'; readonly base: HeldState; readonly outcome: RenewalOutcome }
  | { readonly kind: 'released' }
  /** Nothing could be done about the record; it ends by itself. */
  | { readonly kind: 'stuck'; readonly error: unknown };

export type HoldStep = Step<HoldState, HoldResult>;

/** Enough for a listing to catch up; then the lease's own end has to do. */
const RELEASE_TRIES = 5;

/** The clock that counts for the new deadline is the one before this call. */
export function beginRenewal(base: HeldState): HoldStep {
  // Names never recur, so there is no way on from the last one.
  if (base.beat >= LAST_BEAT) return { result: { kind: 'renewal', base, outcome: 'again' } };
  return attempt({ phase: 'rename', purpose: 'renew', base, absentCount: 0, retryCount: 0 });
}

export function beginRelease(base: HeldState): HoldStep {
  return attempt({ phase: 'rename', purpose: 'release', base, absentCount: 0, retryCount: 0 });
}

/** A lost guard renames nothing: its record is put away unless its name still stands. */
export function beginClearance(base: HeldState): HoldStep {
  const state = { phase: 'look-only', purpose: 'release', base, absentCount: 0, retryCount: 0 } as const;
  return { state, effect: { kind: 'list' } };
}

export function stepHold(state: HoldState, outcome: Outcome): HoldStep {
  switch (state.phase) {
    case 'rename':
      if (outcome.kind !== 'failed') return onRenamed(state);
      return { state: { ...state, phase: 'probe', failure: outcome.error }, effect: { kind: 'probe' } };
    case 'probe':
    case 'look-again':
      return { state: { ...state, phase: 'list' }, effect: { kind: 'list' } };
    case 'list':
      return onListed(state, outcome);
    case 'look-only': {
      // While our name stands its record still helps others of this host to see whether we are dead.
      const isGone = outcome.kind === 'listed' && standingOf(state.base, outcome.names).kind !== 'own';
      return isGone ? forget(state) : { result: { kind: 'released' } };
    }
    case 'forget':
      return { result: { kind: 'released' } };
  }
}

function attempt(state: HoldState): HoldStep {
  const { base, purpose } = state;
  const to = purpose === 'renew' ? next(base) : formatState({ kind: 'free', generation: base.generation });
  return { state: { ...state, phase: 'rename' }, effect: { kind: 'rename', from: formatState(base), to } };
}

function next(base: HeldState): string {
  return formatState({ ...base, beat: base.beat + 1 });
}

function onRenamed(state: HoldState): HoldStep {
  if (state.purpose === 'release') return forget(state);
  const base = { ...state.base, beat: state.base.beat + 1 };
  return { result: { kind: 'renewal', base, outcome: 'extended' } };
}

/** After a rename that failed, or seems to have. */
function onListed(state: HoldState, outcome: Outcome): HoldStep {
  const { base, purpose } = state;
  if (outcome.kind !== 'listed') return unsettled(state, base);
  const standing = standingOf(base, outcome.names);
  if (standing.kind === 'own') return unsettled(state, standing.base);
  const absentCount = state.absentCount + 1;
  if (standing.kind === 'absent' && absentCount < ABSENT_LISTINGS) {
    return { state: { ...state, phase: 'look-again', absentCount }, effect: { kind: 'pause' } };
  }
  if (purpose === 'release') return forget(state);
  const reason: LossReason = standing.kind === 'absent' ? 'record-missing' : 'taken';
  return { result: { kind: 'renewal', base, outcome: reason } };
}

/** Still ours as far as is known. An attempt that landed at an unknown time is a base and extends nothing. */
function unsettled(state: HoldState, base: HeldState): HoldStep {
  if (state.purpose === 'renew') return { result: { kind: 'renewal', base, outcome: 'again' } };
  const retryCount = state.retryCount + 1;
  if (retryCount > RELEASE_TRIES) return { result: { kind: 'stuck', error: state.failure } };
  return attempt({ ...state, base, retryCount });
}

type Standing =
  | { readonly kind: 'own'; readonly base: HeldState }
  | { readonly kind: 'gone' }
  | { readonly kind: 'absent' };

/** What a listing says about our hold. One that shows less than we know is old and takes nothing back. */
function standingOf(base: HeldState, names: readonly string[]): Standing {
  const listing = readListing(names);
  if (listing.kind !== 'state') return { kind: listing.kind === 'absent' ? 'absent' : 'gone' };
  const { state } = listing;
  if (compareStates(state, base) <= 0 && listing.name !== formatState(base)) {
    const isForeign =
      state.kind === 'held' && state.generation === base.generation && state.holderId !== base.holderId;
    return isForeign ? { kind: 'gone' } : { kind: 'own', base };
  }
  const isOwn =
    state.kind === 'held' && state.generation === base.generation && state.holderId === base.holderId;
  return isOwn ? { kind: 'own', base: state } : { kind: 'gone' };
}

function forget(state: HoldState): HoldStep {
  return {
    state: { ...state, phase: 'forget' },
    effect: { kind: 'unlink', name: recordName(state.base.holderId) },
  };
}
