import {
  continuedChange,
  forcedChange,
  landedTip,
  MAY_LAND_YET,
  publish,
  refOfClaim,
  type Attempted,
  type Change,
  type ClaimStore,
  type Outcome,
  type Tip,
} from '../backends/git/index.js';
import { newHolderId } from '../core/holder.js';
import { resolveBase } from './base.js';
import { brokenError, idList, oneLine, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, comingClaim, isOwn, lostHolds, type Claim } from './view.js';

export interface ReleaseOptions extends ClaimsOptions {
  /** The revision the resource is left at: a later claim from an older base is refused. */
  readonly base?: string;
}

export interface ForceReleaseOptions extends ClaimsOptions {
  /** Published with the event. One line. */
  readonly reason: string;
}

/** `lost`: it was no longer ours, and whoever has it keeps it. `not-held`: nobody has it. `contended`: somebody else has it. */
export type ReleaseOutcome = 'released' | 'lost' | 'not-held' | 'contended' | 'unconfirmed';

export interface ReleaseItem {
  readonly id: string;
  readonly outcome: ReleaseOutcome;
  /** Who has it now, when that is somebody else. */
  readonly claim?: Claim;
  readonly cause?: string;
}

/**
 * Releases claims of this agent in this clone; each is judged alone. A claim that was stolen stays the thief's. One that
 * was unconfirmed is kept from landing later, or released if it has.
 *
 * @throws as `claim` does.
 */
export async function release(
  ids: string | readonly string[],
  options: ReleaseOptions = {},
): Promise<readonly ReleaseItem[]> {
  const list = idList(ids);
  const session = await openSession(options);
  const base = options.base === undefined ? undefined : await resolveBase(session, options.base);
  return session.use((store) => new Releasing(store, session, list, base).run());
}

/**
 * Ends claims whoever has them, readable or not, and says in their history who did it and why. Two may believe to
 * have it until the former holder looks again; the generation protects what checks it.
 *
 * @throws as `claim` does; TypeError without a reason.
 */
export async function forceRelease(
  ids: string | readonly string[],
  options: ForceReleaseOptions,
): Promise<readonly ReleaseItem[]> {
  const list = idList(ids);
  const reason = oneLine('reason', options.reason);
  if (reason === undefined) throw new TypeError('forceRelease needs a reason.');
  const session = await openSession(options);
  return session.use(async (store) => {
    const look = await store.look(list, session.deadline);
    if (look.kind === 'unreachable')
      return list.map((id) => ({ id, outcome: 'unconfirmed', cause: look.cause }));
    const items = new Map<string, ReleaseItem>();
    const forced = (id: string, tip: Tip): Change =>
      forcedChange(
        id,
        tip,
        { agent: session.agent, holderId: newHolderId(), reason },
        session.clock.wallNow(),
      );
    let changes: Change[] = [];
    for (const id of list) {
      const tip = look.tips.get(refOfClaim(id)) as Tip;
      const isFree = tip.kind === 'absent' || tip.kind === 'free';
      // What may land yet must not land after this.
      if (isFree && store.journal.pending(tip.ref) === undefined) items.set(id, { id, outcome: 'not-held' });
      else changes.push(forced(id, tip));
    }
    while (changes.length > 0) {
      const outcomes = await publish(store, changes, false, session.deadline);
      changes = [];
      for (const [ref, outcome] of outcomes) {
        const id = list.find((candidate) => refOfClaim(candidate) === ref) as string;
        const tip = outcome.kind === 'landed' ? landedTip(ref, outcome.attempted) : undefined;
        // An earlier claim or steal of this clone landed instead, and nothing of unknown fate is left.
        if (tip?.kind === 'held') changes.push(forced(id, tip));
        else items.set(id, forcedItem(store, session, id, outcome));
      }
    }
    return list.map((id) => items.get(id) as ReleaseItem);
  });
}

function forcedItem(store: ClaimStore, session: Session, id: string, outcome: Outcome): ReleaseItem {
  if (outcome.kind === 'failed') throw outcome.error;
  if (outcome.kind === 'landed') return { id, outcome: 'released' };
  if (outcome.kind === 'unconfirmed') return { id, outcome: 'unconfirmed', cause: outcome.cause };
  const tip = outcome.kind === 'moved' ? outcome.tip : undefined;
  return { id, outcome: 'contended', ...(tip?.kind === 'held' && { claim: claimOf(store, session, tip) }) };
}

/** Renewals of our own may land between; then the release follows the new tip. */
const MAX_ATTEMPTS = 5;

class Releasing {
  readonly #store: ClaimStore;
  readonly #session: Session;
  readonly #ids: readonly string[];
  readonly #base: string | undefined;
  readonly #items = new Map<string, ReleaseItem>();

  constructor(store: ClaimStore, session: Session, ids: readonly string[], base: string | undefined) {
    this.#store = store;
    this.#session = session;
    this.#ids = ids;
    this.#base = base;
  }

  async run(): Promise<readonly ReleaseItem[]> {
    const holds = new Map<string, Attempted>();
    const unknown: string[] = [];
    for (const id of this.#ids) {
      const ref = refOfClaim(id);
      const own = this.#store.journal
        .allHeld(ref)
        .filter(({ record }) => record.agent === this.#session.agent);
      const [hold] = own;
      // With a push of unknown outcome about, the tip must be looked at before anything follows it.
      if (own.length === 1 && hold !== undefined && this.#store.journal.pending(ref) === undefined)
        holds.set(id, hold);
      else unknown.push(id);
    }
    if (unknown.length > 0) await this.#look(unknown, holds);
    for (let attempt = 1; holds.size > 0 && attempt <= MAX_ATTEMPTS; attempt++) await this.#publish(holds);
    for (const id of holds.keys())
      this.#items.set(id, { id, outcome: 'unconfirmed', cause: 'it kept changing' });
    this.#store.journal.save();
    return this.#ids.map((id) => this.#items.get(id) as ReleaseItem);
  }

  async #look(ids: readonly string[], holds: Map<string, Attempted>): Promise<void> {
    const releasing = new Set(ids.filter((id) => this.#isReleasePending(id)));
    const look = await this.#store.look(ids, this.#session.deadline);
    for (const id of ids) {
      if (look.kind === 'unreachable') this.#items.set(id, { id, outcome: 'unconfirmed', cause: look.cause });
      else this.#judge(id, look.tips.get(refOfClaim(id)) as Tip, holds, releasing.has(id));
    }
  }

  #isReleasePending(id: string): boolean {
    const pending = this.#store.journal.pending(refOfClaim(id));
    return pending?.tries.some(({ record }) => record.event === 'released') ?? false;
  }

  async #publish(holds: Map<string, Attempted>): Promise<void> {
    const changes = [...holds].map(([id, hold]) =>
      continuedChange(
        { ...hold, ref: refOfClaim(id) },
        'released',
        this.#session.clock.wallNow(),
        this.#base,
      ),
    );
    const outcomes = await publish(this.#store, changes, false, this.#session.deadline);
    const ids = [...holds.keys()];
    holds.clear();
    for (const id of ids) {
      const outcome = outcomes.get(refOfClaim(id)) as Outcome;
      if (outcome.kind === 'failed') throw outcome.error;
      if (outcome.kind === 'unconfirmed')
        this.#items.set(id, { id, outcome: 'unconfirmed', cause: outcome.cause });
      if (outcome.kind === 'moved') this.#judge(id, outcome.tip, holds, false);
      if (outcome.kind !== 'landed') continue;
      // An earlier event of this clone of unknown fate may be what landed: a renewal, or another agent's steal.
      if (outcome.attempted.record.event === 'released') this.#items.set(id, { id, outcome: 'released' });
      else this.#judge(id, landedTip(refOfClaim(id), outcome.attempted), holds, false);
    }
  }

  #judge(id: string, tip: Tip, holds: Map<string, Attempted>, wasReleasing: boolean): void {
    if (tip.kind === 'broken') throw brokenError(id, tip.problem);
    const { agent } = this.#session;
    if (tip.kind === 'held' && isOwn(this.#store, agent, tip)) {
      holds.set(id, tip);
      return;
    }
    const coming = comingClaim(this.#store, agent, id);
    // A release that follows the same tip: either it lands and keeps the claim out, or the claim does and is released.
    if (coming !== undefined && tip.kind !== 'held') {
      holds.set(id, { oid: tip.oid, record: coming });
      return;
    }
    const lost = lostHolds(this.#store, agent, id, undefined);
    for (const holderId of lost) this.#store.journal.ended(refOfClaim(id), holderId);
    if (coming !== undefined) {
      this.#items.set(id, { id, outcome: 'unconfirmed', cause: MAY_LAND_YET });
      return;
    }
    const isFree = tip.kind !== 'held';
    const outcome =
      isFree && wasReleasing ? 'released' : lost.length > 0 ? 'lost' : isFree ? 'not-held' : 'contended';
    this.#items.set(id, {
      id,
      outcome,
      ...(tip.kind === 'held' && { claim: claimOf(this.#store, this.#session, tip) }),
    });
  }
}
