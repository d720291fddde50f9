import { backoffDelayMs } from '../../core/time.js';
import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import { sleep } from '../../platform/clock.js';
import type { ClaimStore } from './claim-store.js';
import { claimOfRef } from './claim-id.js';
import type { Deadline } from './deadline.js';
import { isTurnedAway, permissionError, reasonIn, refusalKind, refusedError } from './failures.js';
import type { Attempted } from './journal.js';
import type { ObjectId } from './objects.js';
import { pushUpdates, type Pushed, type PushStatus } from './push.js';
import { isHeldEvent, newNonce, type ClaimRecord } from './record.js';
import type { Tip } from './tip.js';

/** One event to be published. */
export interface Change {
  readonly ref: string;
  /** The tip it follows; empty: the branch must not exist. */
  readonly expected: ObjectId;
  readonly record: ClaimRecord;
}

export type Outcome =
  /** The remote has it. `attempted` may be an earlier try that landed late. */
  | { readonly kind: 'landed'; readonly attempted: Attempted }
  /** Another event is the tip: ours did not land and never will. */
  | { readonly kind: 'moved'; readonly tip: Tip }
  /** Not published, because another of the group could not be. */
  | { readonly kind: 'spared' }
  /** Nobody knows whether it is published: if it may have landed, or may land yet, the journal remembers. */
  | { readonly kind: 'unconfirmed'; readonly cause: string }
  | { readonly kind: 'failed'; readonly error: LockError };

const MAX_ROUNDS = 6;
/** Of the time that is left, for one push: what remains is needed to find out what became of it. */
const PUSH_SHARE = 0.6;
const SHORTEST_PUSH_MS = 1_000;
/** The cause of an _unconfirmed_ while a push that nobody answered is about. */
export const MAY_LAND_YET = 'an earlier push of ours may still reach it';

interface Open {
  readonly change: Change;
  readonly tries: Attempted[];
  /** So many of `tries` are of commands that gave up on them. */
  readonly earlierCount: number;
  /** A try that nobody answered is about; it may still land. */
  isLoose: boolean;
  /** Pushes of this call that had no answer. */
  silentCount: number;
}

/**
 * Publishes events and finds out what became of each. All in one push; `isAtomic`: all or none.
 *
 * What is not a plain yes is settled by asking the remote, never by guessing: (1) our commit is the tip: landed;
 * (2) another tip than expected: lost, because tips never recur; (3) still the expected tip after a lost answer:
 * the push may land yet, so a second commit that expects the same tip is pushed, and only one of the two can.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when the remote has no atomic pushes; then nothing was published.
 */
export async function publish(
  store: ClaimStore,
  changes: readonly Change[],
  isAtomic: boolean,
  deadline: Deadline,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  let open: Open[] = changes.map((change) => {
    const tries = earlierTries(store, change);
    const earlierCount = tries.length;
    return { change, tries, earlierCount, isLoose: earlierCount > 0, silentCount: 0 };
  });
  for (let round = 1; open.length > 0; round++) {
    await addTries(store, open, round);
    const pushed = await push(store, open, isAtomic, deadline);
    if (pushed.lacksAtomic) {
      for (const { change, isLoose } of open) if (!isLoose) store.journal.voided(change.ref);
      store.journal.save();
      throw atomicError(changes, store.url);
    }
    open = open.filter((entry) => !isLanded(store, entry, pushed, outcomes));
    if (open.length > 0)
      open = await settle(
        store,
        open,
        { pushed, isAtomic, isLastRound: round >= MAX_ROUNDS },
        deadline,
        outcomes,
      );
    if (open.length > 0) await sleep(Math.min(backoffDelayMs(round), deadline.leftMs()), deadline.signal);
  }
  store.journal.save();
  store.sightings.save();
  return outcomes;
}

function earlierTries(store: ClaimStore, { ref, expected }: Change): Attempted[] {
  const pending = store.journal.pending(ref);
  return pending?.expected === expected ? [...pending.tries] : [];
}

async function addTries(store: ClaimStore, open: readonly Open[], round: number): Promise<void> {
  const begun = [];
  for (const { change, tries } of open) {
    const record = round === 1 ? change.record : { ...change.record, nonce: newNonce() };
    const attempted = { oid: await store.writeEvent(record, change.expected), record };
    tries.push(attempted);
    begun.push({ ref: change.ref, expected: change.expected, attempted });
  }
  store.journal.begin(begun);
}

function push(
  store: ClaimStore,
  open: readonly Open[],
  isAtomic: boolean,
  deadline: Deadline,
): Promise<Pushed> {
  const updates = open.map(({ change, tries }) => {
    return { ref: change.ref, expected: change.expected, oid: (tries.at(-1) as Attempted).oid };
  });
  const timeoutMs = Math.min(deadline.leftMs(), Math.max(SHORTEST_PUSH_MS, deadline.leftMs() * PUSH_SHARE));
  return pushUpdates(store.git, store.url, updates, isAtomic && open.length > 1, timeoutMs, deadline);
}

function isLanded(store: ClaimStore, entry: Open, pushed: Pushed, outcomes: Map<string, Outcome>): boolean {
  const { ref } = entry.change;
  const { kind } = statusOf(pushed, ref);
  if (kind === 'unknown') entry.isLoose = true;
  if (kind === 'unknown' || kind === 'unsent') entry.silentCount++;
  if (kind !== 'landed') return false;
  land(store, entry, entry.tries.at(-1) as Attempted, outcomes);
  return true;
}

function land(
  store: ClaimStore,
  { change, tries, earlierCount }: Open,
  attempted: Attempted,
  outcomes: Map<string, Outcome>,
): void {
  const noted = tries.indexOf(attempted) < earlierCount ? { ...attempted, isLate: true as const } : attempted;
  store.journal.landed(change.ref, noted, isHeldEvent(attempted.record.event));
  store.sightings.note(change.ref, attempted.oid);
  outcomes.set(change.ref, { kind: 'landed', attempted });
}

interface Round {
  readonly pushed: Pushed;
  readonly isAtomic: boolean;
  readonly isLastRound: boolean;
}

/** Decides what can be decided, and returns what has to be pushed once more. */
async function settle(
  store: ClaimStore,
  open: readonly Open[],
  round: Round,
  deadline: Deadline,
  outcomes: Map<string, Outcome>,
): Promise<Open[]> {
  const look = await store.look(
    open.map(({ change }) => claimOfRef(change.ref) as string),
    deadline,
  );
  if (look.kind === 'unreachable') {
    for (const entry of open) conclude(store, entry, unsettled(store, entry, round, look.cause), outcomes);
    return [];
  }
  const undecided: Open[] = [];
  let isGroupLost = false;
  for (const entry of open) {
    const { ref, expected } = entry.change;
    const tip = look.tips.get(ref) as Tip;
    const own = entry.tries.find(({ oid }) => oid === tip.oid);
    if (own !== undefined) land(store, entry, own, outcomes);
    else if (tip.oid === expected) undecided.push(entry);
    else {
      isGroupLost = round.isAtomic;
      store.journal.voided(ref);
      outcomes.set(ref, { kind: 'moved', tip });
    }
  }
  return undecided.filter((entry) => {
    const outcome = isGroupLost ? ({ kind: 'spared' } as const) : verdict(store, entry, round, deadline);
    if (outcome !== undefined) conclude(store, entry, outcome, outcomes);
    return outcome === undefined;
  });
}

/** The journal forgets what cannot land any more, and only that: a command may still meet it. */
function conclude(store: ClaimStore, entry: Open, outcome: Outcome, outcomes: Map<string, Outcome>): void {
  const { ref } = entry.change;
  // Together with a branch that moved, none of this call's pushes can land.
  const mayLand = outcome.kind === 'spared' ? entry.earlierCount > 0 : entry.isLoose;
  if (!mayLand) store.journal.voided(ref);
  const isUnconfirmed = outcome.kind === 'spared' && mayLand;
  outcomes.set(ref, isUnconfirmed ? { kind: 'unconfirmed', cause: MAY_LAND_YET } : outcome);
}

/** About a push when the remote cannot be asked what became of it. */
function unsettled(store: ClaimStore, entry: Open, { pushed, isAtomic }: Round, cause: string): Outcome {
  const status = statusOf(pushed, entry.change.ref);
  const isDenied =
    status.kind === 'refused'
      ? refusalKind(reasonsOf(pushed, isAtomic, status.reason)) === 'denied'
      : status.kind === 'unsent' && isTurnedAway(pushed.stderr);
  return isDenied ? refused(store, entry, 'denied', reasonIn(pushed.stderr)) : { kind: 'unconfirmed', cause };
}

/** About a push after which the tip is still the expected one. undefined: push once more. */
function verdict(store: ClaimStore, entry: Open, round: Round, deadline: Deadline): Outcome | undefined {
  const { pushed } = round;
  const status = statusOf(pushed, entry.change.ref);
  const isOutOfTime = round.isLastRound || deadline.leftMs() < SHORTEST_PUSH_MS;
  if (status.kind !== 'refused') {
    const fact = reasonIn(pushed.stderr);
    // It can be read, so it is there: what a daemon says of repositories that it does not have is a refusal.
    if (status.kind === 'unsent' && refusalKind(pushed.stderr) === 'denied')
      return refused(store, entry, 'denied', fact);
    if (entry.silentCount < 2 && !isOutOfTime) return undefined;
    return { kind: 'unconfirmed', cause: pushed.isTimedOut ? 'it did not answer in time' : fact };
  }
  const kind = refusalKind(reasonsOf(pushed, round.isAtomic, status.reason));
  // An earlier try of unknown fate may be landing right now: the next look will tell.
  if ((kind === 'transient' || entry.isLoose) && !isOutOfTime) return undefined;
  return refused(store, entry, kind, `${status.reason} ${reasonIn(pushed.stderr)}`.trim());
}

/** The last try was refused; that says nothing of an earlier one that nobody answered. */
function refused(
  store: ClaimStore,
  { change, isLoose }: Open,
  kind: ReturnType<typeof refusalKind>,
  fact: string,
): Outcome {
  if (isLoose) return { kind: 'unconfirmed', cause: `${MAY_LAND_YET}, and it now says: ${fact}` };
  const id = claimOfRef(change.ref) as string;
  const error = kind === 'denied' ? permissionError(id, store.url, fact) : refusedError(id, store.url, fact);
  return { kind: 'failed', error };
}

/** In an atomic push the branch that is to blame may be another one. */
function reasonsOf(pushed: Pushed, isAtomic: boolean, own: string): string {
  const reasons = isAtomic
    ? [...pushed.statuses.values()].map((status) => (status.kind === 'refused' ? status.reason : ''))
    : [own];
  return [...reasons, pushed.stderr].join('\n');
}

function statusOf(pushed: Pushed, ref: string): PushStatus {
  return pushed.statuses.get(ref) ?? { kind: 'unknown' };
}

function atomicError(changes: readonly Change[], url: string): LockError {
  const resource = changes.map(({ ref }) => claimOfRef(ref)).join(' ');
  return new LockError(
    `Could not claim "${resource}" together: the server of ${withoutCredentials(url)} has no atomic pushes. Claim them one by one.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource },
  );
}
