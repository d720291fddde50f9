import { backoffDelayMs } from '../../core/time.js';
import { sleep } from '../../platform/clock.js';
import { gitFailure } from '../../process/git/failure.js';
import type { ClaimStore, Look } from './claim-store.js';
import { OtherFormat } from './claim-store.js';
import type { Change } from './events.js';
import {
  atomicError,
  branchInTheWay,
  isOtherFormat,
  isTaken,
  occupiedError,
  permissionError,
  refusalFact,
  refusalKind,
  refusedError,
  takenError,
  unavailableError,
} from './failures.js';
import { MAY_LAND_YET, type Outcome } from './outcome.js';
import { PATH_INDEX_REF, type IndexChange } from './path-index.js';
import { pushUpdates, type Pushed, type PushStatus, type RefUpdate } from './push.js';
import { proveLanded } from './prove-landed.js';
import { isHeldEvent, newNonce } from './record.js';
import { absentTip, idOf, landedTip, type Attempted } from './tip.js';

const MAX_ROUNDS = 6;
/** Of the time that is left, for one push, where what remains is all there is to find out what became of it. */
const PUSH_SHARE = 0.6;
const SHORTEST_PUSH_MS = 1_000;

interface Open {
  readonly change: Change;
  /** Of earlier commands, which gave up on them. */
  readonly earlier: readonly Attempted[];
  /** Of this call. */
  readonly tries: Attempted[];
  /** An unanswered try may still land. */
  mayLand: boolean;
  /** Pushes of this call that had no answer. */
  silentCount: number;
}

/**
 * Publishes events and finds out what became of each. All in one push; `isAtomic`: all or none.
 *
 * What is not a plain yes is settled by asking the remote, never by guessing: (1) our commit is the tip: landed;
 * (2) another tip than expected: moved, because tips never recur; (3) still the expected tip after a lost answer:
 * the push may land yet, so a second commit that expects the same tip is pushed, and only one of the two can.
 *
 * @param index what claims of paths do to their index, in the same atomic push (INV-GIT-11). If the index has moved, the
 *   changes have not landed and never will: each is `moved`, with the tip that it was built upon.
 * @throws LockError HOLDFAST_UNSUPPORTED when the remote has no atomic pushes; then nothing was published.
 */
export async function publish(
  store: ClaimStore,
  changes: readonly Change[],
  isAtomic = false,
  index?: IndexChange,
): Promise<ReadonlyMap<string, Outcome>> {
  const publication = new Publication(store, changes, isAtomic || index !== undefined, index);
  await publication.run();
  store.save();
  return publication.outcomes;
}

class Publication {
  readonly outcomes = new Map<string, Outcome>();
  readonly #store: ClaimStore;
  readonly #isAtomic: boolean;
  readonly #index: IndexChange | undefined;
  /** Commits of the index that this call pushed. */
  readonly #indexTries = new Set<string>();
  #open: Open[];
  #pushed: Pushed = { statuses: new Map(), stderr: '', isTimedOut: false, lacksAtomic: false };

  constructor(
    store: ClaimStore,
    changes: readonly Change[],
    isAtomic: boolean,
    index: IndexChange | undefined,
  ) {
    this.#store = store;
    this.#index = index;
    this.#isAtomic = isAtomic;
    this.#open = changes.map((change) => {
      const pending = store.journal.pending(change.ref);
      const earlier = pending?.expected === change.expected ? pending.tries : [];
      return { change, earlier, tries: [], mayLand: earlier.length > 0, silentCount: 0 };
    });
  }

  async run(): Promise<void> {
    const { journal, deadline } = this.#store;
    for (let round = 1; this.#open.length > 0; round++) {
      await this.#push(round);
      if (this.#pushed.lacksAtomic || isOtherFormat(this.#pushed.stderr)) {
        for (const { change, mayLand } of this.#open) if (!mayLand) journal.voided(change.ref);
        journal.save();
        if (!this.#pushed.lacksAtomic) throw new OtherFormat();
        throw atomicError(this.#open.map(({ change }) => change.record.resource).join(' '), this.#store.url);
      }
      this.#open = this.#open.filter((entry) => !this.#isLanded(entry));
      if (this.#open.length > 0) await this.#settle(round >= MAX_ROUNDS);
      if (this.#open.length > 0)
        await sleep(Math.min(backoffDelayMs(round), deadline.leftMs()), deadline.signal);
    }
    if (!this.#store.isProven) await proveLanded(this.#store, this.outcomes);
  }

  async #push(round: number): Promise<void> {
    const { journal, git, url, deadline } = this.#store;
    const begun = [];
    for (const { change, tries } of this.#open) {
      const { ref, expected } = change;
      const record = round === 1 ? change.record : { ...change.record, nonce: newNonce() };
      const attempted = { oid: await this.#store.writer.event(ref, record, expected), record };
      tries.push(attempted);
      begun.push({ ref, expected, attempted });
    }
    journal.begin(begun);
    const updates = begun.map(({ ref, expected, attempted }) => ({ ref, expected, oid: attempted.oid }));
    if (this.#index !== undefined) updates.push(await this.#indexUpdate(this.#index));
    const leftMs = deadline.leftMs();
    const share = deadline.settleMs > 0 ? 1 : PUSH_SHARE;
    const timeoutMs = Math.min(leftMs, Math.max(SHORTEST_PUSH_MS, leftMs * share));
    const isAtomic = this.#isAtomic && updates.length > 1;
    this.#pushed = await pushUpdates(git, updates, { url, isAtomic, timeoutMs, deadline });
  }

  async #indexUpdate(index: IndexChange): Promise<RefUpdate> {
    const agent = this.#open[0]?.change.record.agent ?? 'holdfast';
    const oid = await this.#store.writer.pathIndex(index, agent);
    this.#indexTries.add(oid);
    return { ref: PATH_INDEX_REF, expected: index.expected, oid };
  }

  #isLanded(entry: Open): boolean {
    const { kind } = this.#statusOf(entry);
    if (kind === 'unknown') entry.mayLand = true;
    if (kind === 'unknown' || kind === 'unsent') entry.silentCount++;
    if (kind !== 'landed') return false;
    this.#land(entry, entry.tries.at(-1) as Attempted);
    return true;
  }

  #land({ change, earlier }: Open, attempted: Attempted): void {
    const { journal } = this.#store;
    const isEarlier = earlier.includes(attempted);
    const noted = isEarlier ? { ...attempted, isLate: true as const } : attempted;
    journal.landed(change.ref, noted, isHeldEvent(attempted.record.event));
    this.#store.note(change.ref, attempted.oid);
    // An event of an earlier command is not the caller's change: it is what that change met.
    const outcome: Outcome = isEarlier
      ? { kind: 'moved', tip: landedTip(change.ref, noted) }
      : { kind: 'landed', attempted };
    this.outcomes.set(change.ref, outcome);
  }

  /** Decides what can be decided, and leaves open what has to be pushed once more. */
  async #settle(isLastRound: boolean): Promise<void> {
    const open = this.#open;
    this.#open = [];
    this.#store.deadline.settle();
    const ids = open.map(({ change }) => change.record.resource);
    const scope = this.#index === undefined ? ids : 'all';
    let look = await this.#store.look(scope);
    const isIndexMoved = look.kind === 'seen' && this.#isIndexMoved(look);
    // Read one after the other, the branches may be older than the index: what landed before it moved shows in a second look.
    if (isIndexMoved && open.some(({ mayLand }) => mayLand)) look = await this.#store.look(scope);
    if (look.kind === 'unreachable') {
      for (const entry of open) this.#conclude(entry, this.#unsettled(entry, look.cause));
      return;
    }
    const undecided: Open[] = [];
    let isGroupLost = false;
    for (const entry of open) {
      const { ref, expected } = entry.change;
      const tip = look.tips.get(ref) ?? absentTip(ref);
      const own = [...entry.earlier, ...entry.tries].find(({ oid }) => oid === tip.oid);
      if (own !== undefined) this.#land(entry, own);
      else if (tip.oid === expected && !(isIndexMoved && entry.earlier.length === 0)) undecided.push(entry);
      else {
        isGroupLost = this.#isAtomic;
        this.#store.journal.voided(ref);
        this.outcomes.set(ref, { kind: 'moved', tip });
      }
    }
    for (const entry of undecided) {
      const outcome = isGroupLost ? ({ kind: 'skipped' } as const) : this.#verdict(entry, isLastRound);
      if (outcome === undefined) this.#open.push(entry);
      else this.#conclude(entry, outcome);
    }
  }

  /** Another claim of a path has landed since: no push of this call can land any more. */
  #isIndexMoved({ pathIndex }: Extract<Look, { kind: 'seen' }>): boolean {
    const oid = pathIndex?.oid ?? '';
    return this.#index !== undefined && oid !== this.#index.expected && !this.#indexTries.has(oid);
  }

  /** The journal forgets what cannot land any more, and only that: a later command may still meet it. */
  #conclude({ change, earlier, mayLand }: Open, outcome: Outcome): void {
    // Together with a branch that moved, none of this call's pushes can land.
    const isLoose = outcome.kind === 'skipped' ? earlier.length > 0 : mayLand;
    if (!isLoose) this.#store.journal.voided(change.ref);
    const isUnconfirmed = outcome.kind === 'skipped' && isLoose;
    this.outcomes.set(change.ref, isUnconfirmed ? { kind: 'unconfirmed', cause: MAY_LAND_YET } : outcome);
  }

  /** About a push when the remote cannot be asked what became of it. */
  #unsettled(entry: Open, cause: string): Outcome {
    const status = this.#statusOf(entry);
    const { stderr } = this.#pushed;
    const { kind, reason } = gitFailure(stderr);
    if (status.kind === 'refused' && refusalKind(this.#reasons(status.reason)) === 'denied')
      return this.#refused(entry, 'denied', reason);
    if (status.kind === 'unsent') return this.#unsent(entry, kind === 'denied', reason);
    const { event, resource } = entry.change.record;
    const isTaking = event === 'claimed' || event === 'stolen';
    if (status.kind === 'refused' && isTaking && !entry.mayLand && isTaken(status.reason))
      return { kind: 'failed', error: takenError(resource, this.#store.url, cause) };
    return { kind: 'unconfirmed', cause };
  }

  /** Nothing of this call's try was sent. */
  #unsent(entry: Open, isDenied: boolean, reason: string): Outcome {
    if (isDenied) return this.#refused(entry, 'denied', reason);
    if (entry.mayLand) return { kind: 'unconfirmed', cause: reason };
    const { event, resource } = entry.change.record;
    return { kind: 'failed', error: unavailableError(event, resource, this.#store.url, reason) };
  }

  /** About a push after which the tip is still the expected one. undefined: push once more. */
  #verdict(entry: Open, isLastRound: boolean): Outcome | undefined {
    const status = this.#statusOf(entry);
    const { stderr, isTimedOut } = this.#pushed;
    const isOutOfTime = isLastRound || this.#store.deadline.leftMs() < SHORTEST_PUSH_MS;
    if (status.kind !== 'refused') {
      const { kind, reason } = gitFailure(stderr);
      // It can be read, so it is there: what a daemon says of repositories that it does not have is a refusal.
      const isDenied = status.kind === 'unsent' && (kind === 'denied' || kind === 'missing');
      if (!isDenied && entry.silentCount < 2 && !isOutOfTime) return undefined;
      if (status.kind === 'unsent') return this.#unsent(entry, isDenied, reason);
      return { kind: 'unconfirmed', cause: isTimedOut ? 'it did not answer in time' : reason };
    }
    const kind = refusalKind(this.#reasons(status.reason));
    const branch = branchInTheWay(`${status.reason}\n${stderr}`);
    // An earlier try of unknown fate may be landing right now: the next look finds out.
    const isWorthwhile = (kind === 'transient' && branch === undefined) || entry.mayLand;
    if (isWorthwhile && !isOutOfTime) return undefined;
    const { url } = this.#store;
    if (branch !== undefined && !entry.mayLand)
      return { kind: 'failed', error: occupiedError(idOf(entry.change), url, branch) };
    return this.#refused(entry, kind, refusalFact(status.reason, gitFailure(stderr)));
  }

  /** The last try was refused, which says nothing of an earlier one that had no answer. */
  #refused({ change, mayLand }: Open, kind: ReturnType<typeof refusalKind>, fact: string): Outcome {
    if (mayLand) return { kind: 'unconfirmed', cause: `${MAY_LAND_YET}, and it now says: ${fact}` };
    const { url } = this.#store;
    const id = change.record.resource;
    return {
      kind: 'failed',
      error: kind === 'denied' ? permissionError(id, url, fact) : refusedError(id, url, fact),
    };
  }

  /** In an atomic push the branch that is to blame may be another one. */
  #reasons(own: string): string {
    const reasons = this.#isAtomic
      ? [...this.#pushed.statuses.values()].map((status) => (status.kind === 'refused' ? status.reason : ''))
      : [own];
    return [...reasons, this.#pushed.stderr].join('\n');
  }

  #statusOf({ change }: Open): PushStatus {
    return this.#pushed.statuses.get(change.ref) ?? { kind: 'unknown' };
  }
}
