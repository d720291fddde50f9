import { errnoOf } from '../../core/system-error.js';
import { tokenAfter } from '../../core/token.js';
import { silenceMs } from '../register/config.js';
import { ABSENT_LISTINGS, SWEPT_AT_ONCE } from './config.js';
import type { Outcome, Step } from './effects.js';
import { readListing, type Listing } from './listing.js';
import { compareStates, formatState, isRemnant, recordName, type LeaseState } from './names.js';

/** One attempt to claim: plain data, so that it can be searched. */
export interface ClaimState {
  readonly phase:
    | 'look'
    | 'look-again'
    | 'watch'
    | 'examine'
    | 'record'
    | 'claim'
    | 'sync'
    | 'probe'
    | 'settle'
    | 'withdraw'
    | 'undo'
    | 'tidy'
    | 'forget';
  readonly holderId: string;
  readonly leaseMs: number;
  /** The wall clock in milliseconds: no token is lower, which matters where the directory was restored or deleted. */
  readonly wallMs: number;
  readonly absentCount: number;
  /** The state to be replaced, and the listing's other names. */
  readonly current?: { readonly name: string; readonly state: LeaseState };
  readonly ownName?: string;
  readonly generation?: number;
  /** The clock just before the rename. What the holder may believe counts from here (INV-LEASE-5). */
  readonly sentAt?: number;
  /** Of the rename; undefined when it succeeded. */
  readonly failure?: unknown;
  /** What the new holder is to remove: lower states, and what ended attempts left. */
  readonly untidyNames: readonly string[];
  readonly ending?: ClaimResult;
}

export type ClaimResult =
  | { readonly kind: 'granted'; readonly name: string; readonly generation: number; readonly sentAt: number }
  /** It is held; it cannot be taken over before `remainingMs` have passed without a sign of life. */
  | { readonly kind: 'contended'; readonly remainingMs: number }
  /** No state file where one should be. */
  | { readonly kind: 'absent'; readonly hasRecords: boolean }
  | { readonly kind: 'unreadable'; readonly name: string }
  /** Whether the claim stands could not be found out before it ended by itself. */
  | { readonly kind: 'unconfirmed'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

export type ClaimStep = Step<ClaimState, ClaimResult>;

/** A claim that lost its race may be tried again soon: another contender is moving. */
const AFTER_RACE_MS = 0;

/** @param wallMs the wall clock, a floor for the token. */
export function beginClaim(holderId: string, leaseMs: number, wallMs: number): ClaimStep {
  const state = { phase: 'look', holderId, leaseMs, wallMs, absentCount: 0, untidyNames: [] } as const;
  return { state, effect: { kind: 'list' } };
}

/** `now` is the lease clock, read after the outcome had arrived. */
export function stepClaim(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  switch (state.phase) {
    case 'look':
      return onLook(state, outcome, now);
    case 'look-again':
      return { state: { ...state, phase: 'look' }, effect: { kind: 'list' } };
    case 'watch':
      return onSighted(state, outcome, now);
    case 'examine':
      return outcome.kind === 'examined' && outcome.isDead ? record(state) : contended(state.ending);
    case 'record':
      return onRecorded(state, outcome, now);
    case 'claim':
      return onRenamed(state, outcome);
    case 'sync':
      // Without it a loss of power could bring the old name back, and the same token would be given out twice.
      if (outcome.kind === 'failed') return undo(state, { kind: 'failed', error: outcome.error });
      return { state: { ...state, phase: 'settle' }, effect: { kind: 'list' } };
    case 'probe':
      return { state: { ...state, phase: 'settle' }, effect: { kind: 'list' } };
    case 'settle':
      return onSettle(state, outcome, now);
    case 'withdraw':
      return forget(state, { kind: 'contended', remainingMs: AFTER_RACE_MS });
    case 'undo':
      return forget(state, state.ending ?? { kind: 'contended', remainingMs: AFTER_RACE_MS });
    case 'tidy':
      return tidy(state, state.untidyNames);
    case 'forget':
      return { result: state.ending ?? { kind: 'contended', remainingMs: AFTER_RACE_MS } };
  }
}

function onLook(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return { result: { kind: 'failed', error: outcome.error } };
  const listing = listingOf(outcome);
  if (listing.kind === 'unreadable') return { result: listing };
  if (listing.kind === 'absent') {
    const absentCount = state.absentCount + 1;
    if (absentCount >= ABSENT_LISTINGS) return { result: listing };
    return { state: { ...state, phase: 'look-again', absentCount }, effect: { kind: 'pause' } };
  }
  const seen: ClaimState = { ...state, current: { name: listing.name, state: listing.state } };
  if (listing.state.kind === 'free') return record(seen);
  // `now` was read after the listing had returned: a name cannot have been seen before it was read (INV-LEASE-5).
  return { state: { ...seen, phase: 'watch' }, effect: { kind: 'sight', name: listing.name, at: now } };
}

function onSighted(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  const current = state.current?.state;
  if (outcome.kind !== 'sighted' || current === undefined || current.kind === 'free') {
    return contended({ kind: 'contended', remainingMs: AFTER_RACE_MS });
  }
  // Sound although the listing may be old: the rename succeeds only if the very name seen at `since` still exists.
  const remainingMs = outcome.since + silenceMs(current.leaseMs) - now;
  if (remainingMs <= 0) return record(state);
  const ending = { kind: 'contended', remainingMs } as const;
  if (current.kind === 'revoked') return contended(ending);
  return {
    state: { ...state, phase: 'examine', ending },
    effect: { kind: 'examine', holderId: current.holderId },
  };
}

function record(state: ClaimState): ClaimStep {
  return { state: { ...state, phase: 'record' }, effect: { kind: 'write-record' } };
}

function onRecorded(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return forget(state, endingOf(outcome.error));
  const { current, holderId, leaseMs, wallMs } = state;
  if (current === undefined) return forget(state, { kind: 'contended', remainingMs: AFTER_RACE_MS });
  const generation = Number(tokenAfter(BigInt(current.state.generation), wallMs));
  const ownName = formatState({ kind: 'held', generation, leaseMs, holderId, beat: 0 });
  return {
    state: { ...state, phase: 'claim', ownName, generation, sentAt: now },
    effect: { kind: 'rename', from: current.name, to: ownName },
  };
}

function onRenamed(state: ClaimState, outcome: Outcome): ClaimStep {
  if (outcome.kind !== 'failed') return { state: { ...state, phase: 'sync' }, effect: { kind: 'sync' } };
  // No error proves that nothing happened: the reply may have been lost, or the request may be yet to arrive.
  return { state: { ...state, phase: 'probe', failure: outcome.error }, effect: { kind: 'probe' } };
}

function onSettle(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  const { ownName, generation, sentAt, leaseMs } = state;
  if (ownName === undefined || generation === undefined || sentAt === undefined)
    throw new TypeError('nothing was claimed');
  const isExpired = now >= sentAt + leaseMs;
  if (outcome.kind === 'failed') {
    if (isExpired) return { result: { kind: 'unconfirmed', error: outcome.error } };
    return { state: { ...state, phase: 'sync' }, effect: { kind: 'pause' } };
  }
  const names = outcome.kind === 'listed' ? outcome.names : [];
  const listing = readListing(names);
  const hasOwn = names.includes(ownName);
  const hasWon = state.failure === undefined || hasOwn;
  if (!hasWon) return forget(state, endingOf(state.failure));
  // A later state beside ours (a restored backup, or ours already revoked): act on the highest only.
  if (listing.kind === 'state' && listing.name !== ownName && isLater(listing.state, state)) {
    return { state: { ...state, phase: 'withdraw' }, effect: { kind: 'unlink', name: ownName } };
  }
  // The grant would be over before it began. No caller got it, so it need not be waited out.
  if (isExpired) return undo(state, { kind: 'contended', remainingMs: AFTER_RACE_MS });
  const lowerNames = listing.kind === 'state' ? listing.lowerNames : [];
  const ending = { kind: 'granted', name: ownName, generation, sentAt } as const;
  return tidy({ ...state, ending }, [...lowerNames, ...remnantsIn(names, state.holderId)]);
}

/**
 * Records and temporary files that belong to no attempt that can still win. The listing was read before we could be
 * taken over, so the writers of these had chosen to replace a state older than ours, and names do not recur. This
 * also holds for a listing that is old and for an unlink that is carried out late (INV-LEASE-9).
 */
function remnantsIn(names: readonly string[], holderId: string): string[] {
  const own = recordName(holderId);
  return names.filter((name) => isRemnant(name) && name !== own).slice(0, SWEPT_AT_ONCE);
}

function isLater(other: LeaseState, { generation = 0, leaseMs, holderId }: ClaimState): boolean {
  return compareStates(other, { kind: 'held', generation, leaseMs, holderId, beat: 0 }) > 0;
}

/** Only the holder removes what others left, and only once it holds. */
function tidy(state: ClaimState, names: readonly string[]): ClaimStep {
  const [name, ...untidyNames] = names;
  if (name !== undefined) {
    return { state: { ...state, phase: 'tidy', untidyNames }, effect: { kind: 'unlink', name } };
  }
  if (state.ending === undefined) throw new TypeError('tidying without a grant');
  return { result: state.ending };
}

/** Frees what was claimed and never given out; like every transition it succeeds only if no other was faster. */
function undo(state: ClaimState, ending: ClaimResult): ClaimStep {
  const { ownName = '', generation = 0 } = state;
  const to = formatState({ kind: 'free', generation });
  return { state: { ...state, phase: 'undo', ending }, effect: { kind: 'rename', from: ownName, to } };
}

/** The attempt is over; the next has a new holder id. */
function forget(state: ClaimState, ending: ClaimResult): ClaimStep {
  return {
    state: { ...state, phase: 'forget', ending },
    effect: { kind: 'unlink', name: recordName(state.holderId) },
  };
}

function endingOf(failure: unknown): ClaimResult {
  // The winner of a race removes what the others have there, also while they write it: then NFS says ESTALE. Where the
  // whole directory is gone, the next attempt's look says so.
  const isRace = ['ENOENT', 'ESTALE'].includes(errnoOf(failure) ?? '');
  return isRace ? { kind: 'contended', remainingMs: AFTER_RACE_MS } : { kind: 'failed', error: failure };
}

function contended(ending: ClaimResult | undefined): ClaimStep {
  return { result: ending ?? { kind: 'contended', remainingMs: AFTER_RACE_MS } };
}

function listingOf(outcome: Outcome): Listing {
  return readListing(outcome.kind === 'listed' ? outcome.names : []);
}
