import { tokenAfter } from '../../core/token.js';
import type { Body, LeaseState } from './body.js';
import type { Effect, Outcome, Step } from './effects.js';
import type { LeaseRecord } from './record.js';
import type { Reading, Version } from './register.js';
import { silenceMs } from './config.js';

/** What an attempt wants. */
export interface Wanted {
  /** New for every attempt. */
  readonly holderId: string;
  readonly leaseMs: number;
  readonly record: LeaseRecord | undefined;
  /** The wall clock in milliseconds, a floor for the token. It decides nothing else. */
  readonly wallMs: number;
  /** Lease clock. A claim of unknown outcome is settled until then; what is unknown later is UNCONFIRMED. */
  readonly giveUpAt: number;
}

/** One attempt to claim: plain data, so that it can be searched. */
export interface ClaimState extends Wanted {
  readonly phase: 'look' | 'watch' | 'examine' | 'claim' | 'settle' | 'poison' | 'rest';
  /** What the claim replaces. `version` undefined: nothing was there. */
  readonly base?: { readonly version: Version | undefined; readonly generation: bigint };
  /** The hold, or broken hold, that is in the way. */
  readonly watched?: Exclude<LeaseState, { kind: 'free' }>;
  readonly remainingMs?: number;
  readonly own?: Body;
  /** The clock just before the claim was sent. What the holder may believe counts from here. */
  readonly sentAt?: number;
  /** Of a claim whose outcome is unknown. */
  readonly failure?: unknown;
  readonly writes: number;
}

export type ClaimResult =
  | {
      readonly kind: 'granted';
      readonly body: Body;
      readonly version: Version;
      readonly sentAt: number;
    }
  /** It stands, and the lease was over before that was known: to be released, since nothing worked under it. */
  | { readonly kind: 'late'; readonly body: Body; readonly version: Version }
  /** Another has it, and cannot be replaced before `remainingMs` have passed without a sign of life; 0: a race was lost. */
  | { readonly kind: 'contended'; readonly remainingMs: number; readonly leaseMs?: number }
  | { readonly kind: 'foreign'; readonly format: string | undefined }
  /** Whether the claim stands could not be found out. */
  | { readonly kind: 'unconfirmed'; readonly error: unknown; readonly state: ClaimState }
  | { readonly kind: 'failed'; readonly error: unknown };

export type ClaimStep = Step<ClaimState, ClaimResult>;

const RACE: ClaimResult = { kind: 'contended', remainingMs: 0 };
const READ: Effect = { kind: 'read' };
const OLD = new Error('the store shows what was there before');

export function beginClaim(wanted: Wanted): ClaimStep {
  return { state: { ...wanted, phase: 'look', writes: 0 }, effect: READ };
}

/** Goes on with what was UNCONFIRMED, in the background. */
export function resumeClaim(state: ClaimState, giveUpAt: number): ClaimStep {
  return { state: { ...state, giveUpAt, phase: 'settle' }, effect: READ };
}

/** `now` is the lease clock, read after the outcome had arrived. */
export function stepClaim(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  switch (state.phase) {
    case 'look':
      return onLook(state, outcome, now);
    case 'watch':
      return onSighted(state, outcome, now);
    case 'examine':
      return outcome.kind === 'examined' && outcome.isDead ? claim(state, now) : { result: contended(state) };
    case 'claim':
      return onClaimed(state, outcome, now);
    case 'settle':
      return onSettle(state, outcome, now);
    case 'poison':
      return onPoisoned(state, outcome, now);
    case 'rest':
      return { state: { ...state, phase: 'settle' }, effect: READ };
  }
}

function onLook(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return { result: outcome };
  const reading = readingOf(outcome);
  if (reading.kind === 'foreign') return { result: { kind: 'foreign', format: reading.format } };
  if (reading.kind === 'absent') {
    return claim({ ...state, base: { version: undefined, generation: 0n } }, now);
  }
  const { body, version } = reading;
  const seen: ClaimState = { ...state, base: { version, generation: body.generation } };
  if (body.state.kind === 'free') return claim(seen, now);
  // `now` was read after the answer had come: a version cannot have been seen before it was read.
  return {
    state: { ...seen, phase: 'watch', watched: body.state },
    effect: { kind: 'sight', version, at: now },
  };
}

function onSighted(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  const { watched } = state;
  if (outcome.kind !== 'sighted' || watched === undefined) return { result: RACE };
  const remainingMs = outcome.since + silenceMs(watched.leaseMs) - now;
  // Sound however old the answer was: the write succeeds only if the very version seen at `since` still stands.
  if (remainingMs <= 0) return claim(state, now);
  const waiting: ClaimState = { ...state, phase: 'examine', remainingMs };
  if (watched.kind === 'revoked') return { result: contended(waiting) };
  return { state: waiting, effect: { kind: 'examine', record: watched.record } };
}

function contended({ remainingMs = 0, watched }: ClaimState): ClaimResult {
  return { kind: 'contended', remainingMs, ...(watched && { leaseMs: watched.leaseMs }) };
}

function claim(state: ClaimState, now: number): ClaimStep {
  const { base, wallMs, holderId, leaseMs, record } = state;
  if (base === undefined) throw new TypeError('nothing was read');
  const generation = tokenAfter(base.generation, wallMs);
  const own: Body = {
    generation,
    state: { kind: 'held', holderId, leaseMs, beat: 0, record },
    nonce: `${holderId}.0`,
  };
  return {
    state: { ...state, phase: 'claim', own, sentAt: now, writes: 1 },
    effect: { kind: 'write', body: own, version: base.version },
  };
}

function onClaimed(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return { result: outcome };
  if (outcome.kind !== 'written') return { result: RACE };
  const { written } = outcome;
  switch (written.kind) {
    case 'landed':
      return won(state, written.version, now);
    case 'not-landed':
      return { result: RACE };
    // Also after a conflict: between here and the store a proxy may have sent the claim twice, and the second saw the first.
    case 'conflict':
      return { state: { ...state, phase: 'settle' }, effect: READ };
    case 'unknown':
      return { state: { ...state, phase: 'settle', failure: written.error }, effect: READ };
  }
}

/** After a claim that seems to have failed: what is there shows what became of it. */
function onSettle(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return rest(state, outcome.error, now);
  const reading = readingOf(outcome);
  if (isOwn(state, reading)) return won(state, reading.version, now);
  const isUnknown = 'failure' in state;
  const version = reading.kind === 'absent' ? undefined : reading.version;
  const isStanding = version === state.base?.version;
  // Older than what was read before, or than the conflict that was answered: it says nothing.
  if (isOld(state, reading) || (isStanding && !isUnknown)) return rest(state, undefined, now);
  // What the claim was to replace is gone, and no version recurs: the claim can land no more.
  if (!isStanding) return { result: RACE };
  // It still stands, so the claim may yet arrive. A write of our own in its place makes it fail for ever.
  const { base, holderId, writes } = state;
  const body: Body = {
    generation: base?.generation ?? 0n,
    state: { kind: 'free' },
    nonce: `${holderId}.${writes}`,
  };
  return {
    state: { ...state, phase: 'poison', writes: writes + 1 },
    effect: { kind: 'write', body, version },
  };
}

function onPoisoned(state: ClaimState, outcome: Outcome, now: number): ClaimStep {
  if (outcome.kind === 'failed') return rest(state, outcome.error, now);
  const kind = outcome.kind === 'written' ? outcome.written.kind : 'unknown';
  if (kind === 'landed') return { result: { kind: 'failed', error: state.failure } };
  if (kind === 'conflict') return { state: { ...state, phase: 'settle' }, effect: READ };
  return rest(state, state.failure, now);
}

function rest(state: ClaimState, error: unknown, now: number): ClaimStep {
  if (now >= state.giveUpAt) {
    return { result: { kind: 'unconfirmed', error: state.failure ?? error ?? OLD, state } };
  }
  return { state: { ...state, phase: 'rest' }, effect: { kind: 'pause' } };
}

function won(state: ClaimState, version: Version, now: number): ClaimStep {
  const { own, sentAt, leaseMs } = state;
  if (own === undefined || sentAt === undefined) throw new TypeError('nothing was claimed');
  if (now < sentAt + leaseMs) return { result: { kind: 'granted', body: own, version, sentAt } };
  // The grant would be over before it began.
  return { result: { kind: 'late', body: own, version } };
}

function isOld({ base }: ClaimState, reading: Reading): boolean {
  return reading.kind === 'value' && base !== undefined && reading.body.generation < base.generation;
}

function isOwn({ holderId }: ClaimState, reading: Reading): reading is Extract<Reading, { kind: 'value' }> {
  return (
    reading.kind === 'value' && reading.body.state.kind === 'held' && reading.body.state.holderId === holderId
  );
}

function readingOf(outcome: Outcome): Reading {
  return outcome.kind === 'read' ? outcome.reading : { kind: 'absent' };
}
