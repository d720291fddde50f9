import { BOOLEAN, checkOptions, TEXT, type OptionRule } from '../core/check-options.js';
import {
  continuedChange,
  forcedChange,
  idOf,
  MAY_LAND_YET,
  refOfClaim,
  type Attempted,
  type Change,
  type News,
  type Outcome,
  type Tip,
} from '../backends/git/index.js';
import { newHolderId } from '../core/holder.js';
import { resolveBase } from './base.js';
import {
  CLAIMS_OPTIONS,
  brokenError,
  idList,
  inSession,
  oneLine,
  type Claim,
  type ClaimsOptions,
  type Session,
} from './session.js';

/** Options of {@link release}. */
export interface ReleaseOptions extends ClaimsOptions {
  /** The revision the resource is left at: a later claim from an older base is refused. Default: none. */
  readonly base?: string;
  /** Whether the work is finished: a claim of any of several passes it over. Default `false`. */
  readonly done?: boolean;
}

const RELEASE_OPTIONS = {
  ...CLAIMS_OPTIONS,
  base: TEXT,
  done: BOOLEAN,
} satisfies Record<keyof ReleaseOptions, OptionRule>;

/** Options of {@link forceRelease}. */
export interface ForceReleaseOptions extends ClaimsOptions {
  /** Published with the event. One line. */
  readonly reason: string;
}

const FORCE_RELEASE_OPTIONS = {
  ...CLAIMS_OPTIONS,
  reason: TEXT,
} satisfies Record<keyof ForceReleaseOptions, OptionRule>;

/** `lost`: it was no longer ours, and its new holder keeps it. `not-held`: it is free. `contended`: another agent has it. */
export type ReleaseOutcome = 'released' | 'lost' | 'not-held' | 'contended' | 'unconfirmed';

/** Outcome for one id. */
export interface ReleaseItem {
  /** The id. */
  readonly id: string;
  /** What happened. */
  readonly outcome: ReleaseOutcome;
  /** The present holder, when that is another agent. */
  readonly claim?: Claim;
  /** Why it failed. Absent otherwise. */
  readonly cause?: string;
}

/**
 * Releases claims of this agent in this clone; each is judged alone. A claim that was stolen stays the thief's. One that
 * was unconfirmed is kept from landing later, or released if it has.
 *
 * @param ids undefined: all that this agent has, or may have, in this clone.
 * @throws as `claim` does.
 */
export async function release(
  ids: string | readonly string[] | undefined,
  options: ReleaseOptions = {},
): Promise<readonly ReleaseItem[]> {
  checkOptions(options, RELEASE_OPTIONS);
  const named = ids === undefined ? undefined : idList(ids);
  return inSession(options, async (session) => {
    const list = named ?? ownIds(session);
    if (list.length === 0) return [];
    const base = options.base === undefined ? undefined : await resolveBase(session.arbiter, options.base);
    return new Releasing(session, list, { base, isDone: options.done }).run();
  });
}

function ownIds(session: Session): readonly string[] {
  const { journal } = session.store;
  const held = journal.allHeld().filter(({ record }) => record.agent === session.agent);
  const coming = journal.pendingRefs().flatMap((ref) => {
    const id = idOf({ ref, record: journal.pending(ref)?.tries[0]?.record });
    return session.comingClaim(id) === undefined ? [] : [id];
  });
  return [...new Set([...held.map(idOf), ...coming])];
}

/**
 * Ends claims of any agent, readable or not; their history has the reason and the agent that did it. Two may believe to have
 * it until the former holder looks again; the generation protects what checks it.
 *
 * @throws as `claim` does; TypeError without a reason.
 */
export async function forceRelease(
  ids: string | readonly string[],
  options: ForceReleaseOptions,
): Promise<readonly ReleaseItem[]> {
  checkOptions(options, FORCE_RELEASE_OPTIONS);
  const list = idList(ids);
  const reason = oneLine('reason', options.reason);
  if (reason === undefined) throw new TypeError('forceRelease needs a reason.');
  return inSession(options, async (session) => {
    const seen = await session.look(list, 'forced');
    if (!seen.isAnswered) return list.map((id) => seen.unconfirmed(id));
    const items = new Map<string, ReleaseItem>();
    const forced = (id: string, tip: Tip): Change => {
      const by = { agent: session.agent, holderId: newHolderId(), reason };
      return forcedChange(id, tip, by, session.clock.wallNow());
    };
    let changes: Change[] = [];
    for (const id of list) {
      const tip = seen.tip(id);
      const isFree = tip.kind === 'absent' || tip.kind === 'free';
      // What may land yet must not land after this.
      if (isFree && !session.isPending(id)) items.set(id, { id, outcome: 'not-held' });
      else changes.push(forced(id, tip));
    }
    while (changes.length > 0) {
      const outcomes = await session.publish(changes);
      changes = [];
      for (const [ref, outcome] of outcomes) {
        const id = list.find((candidate) => refOfClaim(candidate) === ref) as string;
        const tip = outcome.kind === 'moved' ? outcome.tip : undefined;
        // An earlier event of this clone has landed, and nothing of unknown fate is left.
        const isOwnClone =
          tip?.kind === 'held' && session.store.journal.held(ref, tip.record.holderId) !== undefined;
        if (isOwnClone) changes.push(forced(id, tip));
        else items.set(id, forcedItem(session, id, outcome));
      }
    }
    return list.map((id) => items.get(id) as ReleaseItem);
  });
}

function forcedItem(session: Session, id: string, outcome: Outcome): ReleaseItem {
  if (outcome.kind === 'failed') throw outcome.error;
  if (outcome.kind === 'landed') return { id, outcome: 'released' };
  if (outcome.kind === 'unconfirmed') return { id, outcome: 'unconfirmed', cause: outcome.cause };
  const tip = outcome.kind === 'moved' ? outcome.tip : undefined;
  // An earlier release of this clone has landed.
  if (tip?.kind === 'free' || tip?.kind === 'absent') return { id, outcome: 'released' };
  return { id, outcome: 'contended', ...(tip?.kind === 'held' && { claim: session.claimOf(tip) }) };
}

/** Renewals of our own may land between; then the release follows the new tip. */
const MAX_ATTEMPTS = 5;

class Releasing {
  readonly #session: Session;
  readonly #ids: readonly string[];
  readonly #news: News;
  readonly #items = new Map<string, ReleaseItem>();
  /** Claims of which a release is pending already: if it turns out to have landed, this call reports it. */
  readonly #wasReleasing: ReadonlySet<string>;

  constructor(session: Session, ids: readonly string[], news: News) {
    this.#session = session;
    this.#ids = ids;
    this.#news = news;
    const { journal } = session.store;
    const isReleasing = (id: string): boolean =>
      journal.pending(refOfClaim(id))?.tries.some(({ record }) => record.event === 'released') ?? false;
    this.#wasReleasing = new Set(ids.filter(isReleasing));
  }

  async run(): Promise<readonly ReleaseItem[]> {
    const holds = new Map<string, Attempted>();
    const unknown: string[] = [];
    for (const id of this.#ids) {
      const own = this.#session.store.journal
        .allHeld(refOfClaim(id))
        .filter(({ record }) => record.agent === this.#session.agent);
      const [hold] = own;
      // With a push of unknown outcome about, the tip must be looked at before anything follows it.
      if (own.length === 1 && hold !== undefined && !this.#session.isPending(id)) holds.set(id, hold);
      else unknown.push(id);
    }
    if (unknown.length > 0) await this.#look(unknown, holds);
    for (let attempt = 1; holds.size > 0 && attempt <= MAX_ATTEMPTS; attempt++) await this.#publish(holds);
    for (const id of holds.keys())
      this.#items.set(id, { id, outcome: 'unconfirmed', cause: 'it kept changing' });
    this.#session.store.save();
    return this.#ids.map((id) => this.#items.get(id) as ReleaseItem);
  }

  async #look(ids: readonly string[], holds: Map<string, Attempted>): Promise<void> {
    const seen = await this.#session.look(ids, 'released');
    for (const id of ids) {
      if (seen.isAnswered) this.#judge(id, seen.tip(id), holds);
      else this.#items.set(id, seen.unconfirmed(id));
    }
  }

  async #publish(holds: Map<string, Attempted>): Promise<void> {
    const wallMs = this.#session.clock.wallNow();
    const changes = [...holds].map(([id, hold]) =>
      continuedChange({ ...hold, ref: refOfClaim(id) }, 'released', wallMs, this.#news),
    );
    const outcomes = await this.#session.publish(changes);
    const ids = [...holds.keys()];
    holds.clear();
    for (const id of ids) {
      const outcome = outcomes.get(refOfClaim(id)) as Outcome;
      if (outcome.kind === 'failed') throw outcome.error;
      if (outcome.kind === 'unconfirmed')
        this.#items.set(id, { id, outcome: 'unconfirmed', cause: outcome.cause });
      if (outcome.kind === 'moved') this.#judge(id, outcome.tip, holds);
      if (outcome.kind === 'landed') this.#items.set(id, { id, outcome: 'released' });
    }
  }

  #judge(id: string, tip: Tip, holds: Map<string, Attempted>): void {
    if (tip.kind === 'broken') throw brokenError(id, tip.problem);
    if (tip.kind === 'held' && this.#session.isOwn(tip)) {
      holds.set(id, tip);
      return;
    }
    const coming = this.#session.comingClaim(id);
    // A release that follows the same tip: either it lands and keeps the claim out, or the claim does and is released.
    if (coming !== undefined && tip.kind !== 'held') {
      holds.set(id, { oid: tip.oid, record: coming });
      return;
    }
    const lost = this.#session.lostHolds(id);
    this.#session.endHolds(id, lost);
    if (coming !== undefined) {
      this.#items.set(id, { id, outcome: 'unconfirmed', cause: MAY_LAND_YET });
      return;
    }
    const isFree = tip.kind !== 'held';
    const wasReleasing = isFree && this.#wasReleasing.has(id);
    const outcome = wasReleasing ? 'released' : lost.length > 0 ? 'lost' : isFree ? 'not-held' : 'contended';
    this.#items.set(id, { id, outcome, ...(tip.kind === 'held' && { claim: this.#session.claimOf(tip) }) });
  }
}
