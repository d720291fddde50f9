import {
  absentTip,
  claimedChange,
  generationOf,
  isPathClaim,
  landedTip,
  NO_PATH_INDEX,
  NO_TIP,
  refOfClaim,
  stolenChange,
  type Change,
  type FreeTip,
  type Outcome,
  type RecordedTip,
  type Tip,
} from '../backends/git/index.js';
import { newHolderId } from '../core/holder.js';
import { assertNotMovedOn } from './base.js';
import type { ClaimItem, ClaimOutcome, ClaimResult } from './claim-result.js';
import { PathsSeen } from './paths.js';
import { brokenError, type Session } from './session.js';

/** Others may have claimed and released since this clone saw it: then the free tip is another one, and it starts over. */
const MAX_ATTEMPTS = 5;
/** Each claim of a path moves the index of all: of many claimers at once, one lands in each round. */
const MAX_PATH_ATTEMPTS = 20;

/** The outcome of all. */
export function worstOf(items: readonly ClaimItem[]): ClaimResult['outcome'] {
  const order = ['unconfirmed', 'lost', 'contended', 'claimed', 'already-held'] as const;
  return order.find((outcome) => items.some((item) => item.outcome === outcome)) ?? 'contended';
}

/** What the claimer says of its claim. */
export interface Wishes {
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly base: string | undefined;
  readonly head: string | undefined;
  readonly takeOver: boolean;
}

/** What an event of ours can follow: nothing or a free tip, or a hold that this agent may take over. */
type Ground = FreeTip | RecordedTip;

const BLOCKING: ReadonlySet<ClaimOutcome> = new Set(['contended', 'lost', 'unconfirmed']);

/** One call of `claim`, under the local lock. */
export class Claiming {
  readonly #session: Session;
  readonly #ids: readonly string[];
  readonly #wishes: Wishes;
  readonly #items = new Map<string, ClaimItem>();
  #paths: PathsSeen | undefined;
  /** Claims whose last push had no answer: if it turns out to have landed, this call is what confirms it. */
  readonly #wasPending: ReadonlySet<string>;

  constructor(session: Session, ids: readonly string[], wishes: Wishes) {
    this.#session = session;
    this.#ids = ids;
    this.#wishes = wishes;
    this.#wasPending = new Set(ids.filter((id) => session.isPending(id)));
  }

  /** @param known the tip of the one id, if it has been looked at just now. */
  async run(known?: RecordedTip): Promise<readonly ClaimItem[]> {
    let ground = await this.#begin(known);
    for (let attempt = 1; ground !== undefined && ground.size > 0; attempt++) {
      const changes = [...ground].map(([id, tip]) => this.#changeFor(id, tip));
      const index = this.#paths?.after(changes);
      const outcomes = await this.#session.publish(changes, changes.length > 1, index);
      const isLast = attempt === (this.#hasPaths ? MAX_PATH_ATTEMPTS : MAX_ATTEMPTS);
      ground = await this.#digest(ground, outcomes, isLast);
      // Others may have claimed a path that overlaps: what is expected of the index comes from a new look.
      if (this.#hasPaths && ground !== undefined) ground = await this.#lookAtPaths();
    }
    return this.#ids.map((id) => this.#items.get(id) ?? { id, outcome: 'not-taken' });
  }

  async #begin(known: RecordedTip | undefined): Promise<Map<string, Ground> | undefined> {
    if (this.#hasPaths) return this.#lookAtPaths();
    if (known !== undefined) return this.#judge(new Map(this.#ids.map((id) => [id, known])));
    return this.#unheardOf() ?? (await this.#look());
  }

  /** When this clone has seen none of the ids: then the push, which creates or is refused, comes before a look. */
  #unheardOf(): Map<string, Ground> | undefined {
    if (this.#ids.some((id) => this.#session.store.isHeardOf(refOfClaim(id)))) return undefined;
    return new Map(this.#ids.map((id) => [id, NO_TIP]));
  }

  async #look(): Promise<Map<string, Ground> | undefined> {
    const seen = await this.#session.look(this.#ids, 'claimed');
    if (seen.isAnswered) return this.#judge(new Map(this.#ids.map((id) => [id, seen.tip(id)])));
    for (const id of this.#wasPending) this.#items.set(id, seen.unconfirmed(id));
    return undefined;
  }

  get #hasPaths(): boolean {
    return this.#ids.some(isPathClaim);
  }

  /** Looks at all claims; undefined when a path overlaps with another agent's. */
  async #lookAtPaths(): Promise<Map<string, Ground> | undefined> {
    const { store } = this.#session;
    const look = await store.look('all');
    if (look.kind === 'unreachable') {
      const pending = this.#ids.filter((id) => this.#session.isPending(id));
      if (pending.length === 0) throw store.unreachable('claimed', this.#ids, look.cause);
      for (const id of pending) this.#items.set(id, { id, outcome: 'unconfirmed', cause: look.cause });
      return undefined;
    }
    const { tips, pathIndex } = look;
    const paths = new PathsSeen(this.#session, pathIndex?.read() ?? NO_PATH_INDEX, tips);
    this.#paths = paths;
    const tipOf = (id: string): Tip => tips.get(refOfClaim(id)) ?? absentTip(refOfClaim(id));
    for (const id of this.#ids.filter(isPathClaim)) {
      const other = paths.overlapping(id);
      const coming = paths.coming(id);
      if (other !== undefined)
        this.#items.set(id, { id, outcome: 'contended', claim: this.#session.claimOf(other) });
      else if (coming !== undefined)
        this.#items.set(id, { id, outcome: 'contended', cause: `${coming} is being claimed` });
    }
    store.save();
    const left = this.#ids.filter((id) => !this.#items.has(id));
    return this.#judge(new Map(left.map((id) => [id, tipOf(id)])));
  }

  /** The tips to publish upon; undefined when it is decided without. Nothing is published unless all can be had. */
  async #judge(tips: ReadonlyMap<string, Tip>): Promise<Map<string, Ground> | undefined> {
    const ground = new Map<string, Ground>();
    for (const [id, tip] of tips) {
      if (tip.kind === 'broken') throw brokenError(id, tip.problem);
      if (tip.kind === 'held') {
        if (this.#mayTakeOver(tip)) ground.set(id, tip);
        else this.#judgeHeld(id, tip);
        continue;
      }
      if (tip.kind === 'free')
        await assertNotMovedOn(this.#session.arbiter, id, tip.record, this.#wishes.base);
      this.#session.endHolds(id, this.#session.lostHolds(id));
      ground.set(id, { oid: tip.oid, generation: generationOf(tip) });
    }
    const isBlocked = [...this.#items.values()].some(({ outcome }) => BLOCKING.has(outcome));
    return isBlocked ? undefined : ground;
  }

  /** One's own claim from another clone: on demand, or once it has been silent for as long as any agent would wait. */
  #mayTakeOver(tip: RecordedTip): boolean {
    const { isElsewhere, isStale } = this.#session.claimOf(tip);
    return isElsewhere && (this.#wishes.takeOver || isStale);
  }

  #judgeHeld(id: string, tip: RecordedTip): void {
    const current = this.#session.claimOf(tip);
    if (current.isMine && this.#session.isPending(id)) {
      const cause = 'an earlier event of ours may still reach it; run claims renew, or unclaim';
      this.#items.set(id, { id, outcome: 'unconfirmed', claim: current, cause });
      return;
    }
    if (current.isMine) {
      const outcome = this.#wasPending.has(id) ? 'claimed' : 'already-held';
      this.#items.set(id, { id, outcome, claim: current });
      return;
    }
    const lost = this.#session.lostHolds(id, tip.record.holderId);
    this.#items.set(id, { id, outcome: lost.length > 0 ? 'lost' : 'contended', claim: current });
    if (lost.length > 0) this.#session.endHolds(id, lost);
  }

  #changeFor(id: string, ground: Ground): Change {
    const { agent, staleAfterMs, clock } = this.#session;
    const { branch, reason, base, head } = this.#wishes;
    const taker = { agent, holderId: newHolderId(), staleAfterMs, branch, reason, base, head };
    return 'record' in ground
      ? stolenChange(id, ground, taker, clock.wallNow())
      : claimedChange(id, refOfClaim(id), ground, taker, clock.wallNow());
  }

  /** Takes in what became of a push; returns the tips to try again upon. */
  async #digest(
    tried: ReadonlyMap<string, Ground>,
    outcomes: ReadonlyMap<string, Outcome>,
    isLastAttempt: boolean,
  ): Promise<Map<string, Ground> | undefined> {
    const moved = new Map<string, Tip>();
    const skipped: string[] = [];
    for (const id of tried.keys()) {
      const ref = refOfClaim(id);
      const outcome = outcomes.get(ref);
      if (outcome?.kind === 'failed') throw outcome.error;
      if (outcome?.kind === 'unconfirmed')
        this.#items.set(id, { id, outcome: 'unconfirmed', cause: outcome.cause });
      if (outcome?.kind === 'landed') {
        const current = this.#session.claimOf(landedTip(ref, outcome.attempted));
        this.#items.set(id, { id, outcome: 'claimed', claim: current });
      }
      if (outcome?.kind === 'moved') moved.set(id, outcome.tip);
      if (outcome?.kind === 'skipped') skipped.push(id);
    }
    if (moved.size === 0) return undefined;
    const ground = await this.#judge(moved);
    if (ground === undefined) return undefined;
    if (isLastAttempt) {
      for (const id of moved.keys()) this.#items.set(id, { id, outcome: 'contended' });
      return undefined;
    }
    // They were not the ones that moved: what they were built upon still stands.
    for (const id of skipped) ground.set(id, tried.get(id) as Ground);
    return ground;
  }
}
