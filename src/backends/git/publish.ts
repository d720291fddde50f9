import { backoffDelayMs } from '../../core/backoff.js';
import { LockError } from '../../core/errors.js';
import { sleep } from '../../host/clock.js';
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
  /** It may have landed, or may land yet. The journal remembers. */
  | { readonly kind: 'unconfirmed'; readonly cause: string }
  | { readonly kind: 'failed'; readonly error: LockError };

const MAX_ROUNDS = 6;
/** Of the time that is left, for one push: what remains is needed to find out what became of it. */
const PUSH_SHARE = 0.6;
const SHORTEST_PUSH_MS = 1_000;

interface Open {
  readonly change: Change;
  readonly tries: Attempted[];
  /** A push whose answer never came; it may still land. */
  unknownCount: number;
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
  let open: Open[] = changes.map((change) => ({
    change,
    tries: earlierTries(store, change),
    unknownCount: 0,
  }));
  for (let round = 1; open.length > 0; round++) {
    await addTries(store, open, round);
    const pushed = await push(store, open, isAtomic, deadline);
    if (pushed.lacksAtomic) {
      for (const { change } of open) store.journal.voided(change.ref);
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
  const status = statusOf(pushed, ref);
  if (status.kind === 'unknown') entry.unknownCount++;
  if (status.kind !== 'landed') return false;
  land(store, entry, entry.tries.at(-1) as Attempted, outcomes);
  return true;
}

function land(
  store: ClaimStore,
  { change }: Open,
  attempted: Attempted,
  outcomes: Map<string, Outcome>,
): void {
  store.journal.landed(change.ref, attempted, isHeldEvent(attempted.record.event));
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
    for (const entry of open)
      outcomes.set(entry.change.ref, unsettled(store, entry, round.pushed, look.cause));
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
    if (outcome === undefined) return true;
    if (outcome.kind !== 'unconfirmed') store.journal.voided(entry.change.ref);
    outcomes.set(entry.change.ref, outcome);
    return false;
  });
}

/** About a push when the remote cannot be asked what became of it. */
function unsettled(store: ClaimStore, entry: Open, pushed: Pushed, cause: string): Outcome {
  const { ref } = entry.change;
  const isOnlyTry = entry.tries.length === 1 && statusOf(pushed, ref).kind === 'unknown';
  if (!isOnlyTry || pushed.isTimedOut || !isTurnedAway(pushed.stderr)) return { kind: 'unconfirmed', cause };
  store.journal.voided(ref);
  return {
    kind: 'failed',
    error: permissionError(claimOfRef(ref) as string, store.url, reasonIn(pushed.stderr)),
  };
}

/** About a push after which the tip is still the expected one. undefined: push once more. */
function verdict(store: ClaimStore, entry: Open, round: Round, deadline: Deadline): Outcome | undefined {
  const { pushed } = round;
  const { ref } = entry.change;
  const id = claimOfRef(ref) as string;
  const status = statusOf(pushed, ref);
  const isOutOfTime = round.isLastRound || deadline.leftMs() < SHORTEST_PUSH_MS;
  if (status.kind === 'unknown') {
    const kind = pushed.isTimedOut ? 'transient' : refusalKind(pushed.stderr);
    const fact = reasonIn(pushed.stderr);
    // Turned away before anything was sent: 401, 403, a service that is not offered.
    if (kind === 'denied' && entry.unknownCount === 1)
      return { kind: 'failed', error: permissionError(id, store.url, fact) };
    if (entry.unknownCount < 2 && !isOutOfTime) return undefined;
    return { kind: 'unconfirmed', cause: pushed.isTimedOut ? 'it did not answer in time' : fact };
  }
  const reason = status.kind === 'refused' ? status.reason : '';
  const fact = `${reason} ${reasonIn(pushed.stderr)}`;
  // An earlier try of unknown fate may be landing right now: the next look will tell.
  const kind = entry.unknownCount > 0 ? 'transient' : refusalKind(reasonsOf(pushed, round.isAtomic, reason));
  if (kind === 'transient' && !isOutOfTime) return undefined;
  if (entry.unknownCount > 0) return { kind: 'unconfirmed', cause: fact };
  return {
    kind: 'failed',
    error: kind === 'denied' ? permissionError(id, store.url, fact) : refusedError(id, store.url, fact),
  };
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
    `Could not claim "${resource}" together: the server of ${url.replace(/(\/\/)[^/@\s]*@/, '$1')} has no atomic pushes. Claim them one by one.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource },
  );
}
