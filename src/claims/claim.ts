import {
  claimedChange,
  generationOf,
  landedTip,
  NO_TIP,
  publish,
  refOfClaim,
  type Change,
  type ClaimStore,
  type FreeTip,
  type Outcome,
  type RecordedTip,
  type Tip,
} from '../backends/git/index.js';
import { newHolderId } from '../core/holder.js';
import { assertNotMovedOn, resolveBase } from './base.js';
import { brokenError, idList, oneLine, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, lostHolds, type Claim } from './view.js';

export interface ClaimOptions extends ClaimsOptions {
  /** The branch on which the work will happen; shown, and checked by the pre-push hook. */
  readonly branch?: string;
  /** Shown to others. One line. */
  readonly reason?: string;
  /** The revision the work starts from: refused when the last holder left the resource at one that this does not contain. */
  readonly base?: string;
}

/**
 * `claimed`: the remote has said so. `already-held`: it was this agent's before, confirmed at the remote, nothing
 * was published. `contended`: somebody else has it. `lost`: this clone believed to have it, and somebody else has.
 * `unconfirmed`: the remote could not be asked; an earlier or this claim may stand. `not-taken`: nothing was
 * published because another of the ids could not be had.
 */
export type ClaimOutcome = 'claimed' | 'already-held' | 'contended' | 'lost' | 'unconfirmed' | 'not-taken';

export interface ClaimItem {
  readonly id: string;
  readonly outcome: ClaimOutcome;
  /** What the remote has: one's own claim, or the winner's. */
  readonly claim?: Claim;
  /** Why the remote's word is missing. */
  readonly cause?: string;
}

export interface ClaimResult {
  /** The worst of the items. */
  readonly outcome: Exclude<ClaimOutcome, 'not-taken'>;
  readonly items: readonly ClaimItem[];
}

/** Others may have claimed and released since we heard of it: then the free tip is another one, and we start over. */
const MAX_ATTEMPTS = 5;

/**
 * Claims one or several ids for an agent: all or none. At most one fetch and one push, unless others race or
 * have released an id of which this clone never heard.
 *
 * @param ids letters, digits, `.`, `_` and `-`, at most 100 characters each.
 * @throws TypeError for other ids. LockError HOLDFAST_PERMISSION when the remote refuses, HOLDFAST_PROTOCOL for an
 *   unreadable record, HOLDFAST_CONFIG_MISMATCH without one remote that decides, HOLDFAST_UNSUPPORTED when the
 *   remote cannot take several ids at once.
 * Not guaranteed: that the holder learns of a steal before its next command.
 * @example
 * const { outcome, items } = await claim('task-1', { reason: 'fixing it' });
 * if (outcome !== 'claimed') console.error(items[0]?.claim?.agent, 'has it');
 */
export async function claim(
  ids: string | readonly string[],
  options: ClaimOptions = {},
): Promise<ClaimResult> {
  const list = idList(ids);
  const [reason, branch] = [oneLine('reason', options.reason), oneLine('branch', options.branch)];
  const session = await openSession(options);
  const base = options.base === undefined ? undefined : await resolveBase(session, options.base);
  const items = await session.use((store) =>
    new Claiming(store, session, list, { branch, reason, base }).run(),
  );
  return { outcome: worstOf(items), items };
}

function worstOf(items: readonly ClaimItem[]): ClaimResult['outcome'] {
  const order = ['unconfirmed', 'lost', 'contended', 'claimed', 'already-held'] as const;
  return order.find((outcome) => items.some((item) => item.outcome === outcome)) ?? 'contended';
}

interface Wishes {
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly base: string | undefined;
}

const BLOCKING: ReadonlySet<ClaimOutcome> = new Set(['contended', 'lost', 'unconfirmed']);

/** One call of {@link claim}, under the local lock. */
class Claiming {
  readonly #store: ClaimStore;
  readonly #session: Session;
  readonly #ids: readonly string[];
  readonly #wishes: Wishes;
  readonly #items = new Map<string, ClaimItem>();
  /** Claims whose last push had no answer: if it turns out to have landed, this call is what confirms it. */
  readonly #wasPending: ReadonlySet<string>;

  constructor(store: ClaimStore, session: Session, ids: readonly string[], wishes: Wishes) {
    this.#store = store;
    this.#session = session;
    this.#ids = ids;
    this.#wishes = wishes;
    this.#wasPending = new Set(ids.filter((id) => store.journal.pending(refOfClaim(id)) !== undefined));
  }

  async run(): Promise<readonly ClaimItem[]> {
    let free = this.#unheardOf() ?? (await this.#look());
    for (let attempt = 1; free !== undefined && free.size > 0; attempt++) {
      const changes = [...free].map(([id, tip]) => this.#changeFor(id, tip));
      const outcomes = await publish(this.#store, changes, changes.length > 1, this.#session.deadline);
      free = await this.#digest(free, outcomes, attempt === MAX_ATTEMPTS);
    }
    return this.#ids.map((id) => this.#items.get(id) ?? { id, outcome: 'not-taken' });
  }

  /** When this clone has heard of none of the ids: then the push, which creates or is refused, comes before a look. */
  #unheardOf(): Map<string, FreeTip> | undefined {
    if (this.#ids.some((id) => this.#store.isHeardOf(refOfClaim(id)))) return undefined;
    return new Map(this.#ids.map((id) => [id, NO_TIP]));
  }

  async #look(): Promise<Map<string, FreeTip> | undefined> {
    const look = await this.#store.look(this.#ids, this.#session.deadline);
    if (look.kind === 'unreachable') {
      for (const id of this.#ids) this.#items.set(id, { id, outcome: 'unconfirmed', cause: look.cause });
      return undefined;
    }
    return this.#judge(new Map(this.#ids.map((id) => [id, look.tips.get(refOfClaim(id)) as Tip])));
  }

  /** The tips to publish upon; undefined when it is decided without. Nothing is published unless all can be had. */
  async #judge(tips: ReadonlyMap<string, Tip>): Promise<Map<string, FreeTip> | undefined> {
    const free = new Map<string, FreeTip>();
    for (const [id, tip] of tips) {
      if (tip.kind === 'broken') throw brokenError(id, tip.problem);
      if (tip.kind === 'held') this.#judgeHeld(id, tip);
      else {
        if (tip.kind === 'free') await assertNotMovedOn(this.#session, id, tip.record, this.#wishes.base);
        for (const holderId of lostHolds(this.#store, this.#session.agent, id, undefined)) {
          this.#store.journal.ended(tip.ref, holderId);
        }
        free.set(id, { oid: tip.oid, generation: generationOf(tip) });
      }
    }
    const isBlocked = [...this.#items.values()].some(({ outcome }) => BLOCKING.has(outcome));
    return isBlocked ? undefined : free;
  }

  #judgeHeld(id: string, tip: RecordedTip): void {
    const { journal } = this.#store;
    const current = claimOf(this.#store, this.#session, tip);
    if (current.isMine && journal.pending(tip.ref) !== undefined) {
      const cause = 'an earlier event of ours may still reach it; run claims renew, or unclaim';
      this.#items.set(id, { id, outcome: 'unconfirmed', claim: current, cause });
      return;
    }
    if (current.isMine || current.isElsewhere) {
      const outcome = current.isMine && this.#wasPending.has(id) ? 'claimed' : 'already-held';
      this.#items.set(id, { id, outcome, claim: current });
      return;
    }
    const lost = lostHolds(this.#store, this.#session.agent, id, tip.record.holderId);
    this.#items.set(id, { id, outcome: lost.length > 0 ? 'lost' : 'contended', claim: current });
    // Told now; from here on it is plainly somebody else's.
    for (const holderId of lost) journal.ended(tip.ref, holderId);
    if (lost.length > 0) journal.save();
  }

  #changeFor(id: string, free: FreeTip): Change {
    const { agent, staleAfterMs, clock } = this.#session;
    const taker = { agent, holderId: newHolderId(), staleAfterMs, ...this.#wishes };
    return claimedChange(id, refOfClaim(id), free, taker, clock.wallNow());
  }

  /** Takes in what became of a push; returns the tips to try again upon. */
  async #digest(
    tried: ReadonlyMap<string, FreeTip>,
    outcomes: ReadonlyMap<string, Outcome>,
    isLastAttempt: boolean,
  ): Promise<Map<string, FreeTip> | undefined> {
    const moved = new Map<string, Tip>();
    const spared: string[] = [];
    for (const id of this.#ids) {
      const outcome = outcomes.get(refOfClaim(id));
      if (outcome?.kind === 'failed') throw outcome.error;
      if (outcome?.kind === 'unconfirmed')
        this.#items.set(id, { id, outcome: 'unconfirmed', cause: outcome.cause });
      if (outcome?.kind === 'landed') {
        const tip = landedTip(refOfClaim(id), outcome.attempted);
        // Ours, or an earlier event of this clone that landed late: another agent's claim, or a release.
        if (tip.kind === 'held') this.#noteLanded(id, tip);
        else moved.set(id, tip);
      }
      if (outcome?.kind === 'moved') moved.set(id, outcome.tip);
      if (outcome?.kind === 'spared') spared.push(id);
    }
    if (moved.size === 0) return undefined;
    const free = await this.#judge(moved);
    if (free === undefined) return undefined;
    if (isLastAttempt) {
      for (const id of moved.keys()) this.#items.set(id, { id, outcome: 'contended' });
      return undefined;
    }
    // They were not the ones that moved: what they were built upon still stands.
    for (const id of spared) free.set(id, tried.get(id) as FreeTip);
    return free;
  }

  #noteLanded(id: string, tip: RecordedTip): void {
    const current = claimOf(this.#store, this.#session, tip);
    this.#items.set(id, { id, outcome: current.isMine ? 'claimed' : 'contended', claim: current });
  }
}
