import { BOOLEAN, checkOptions, TEXT, type OptionRule } from '../core/check-options.js';
import {
  claimedChange,
  generationOf,
  landedTip,
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
import { assertNotMovedOn, resolveBase } from './base.js';
import { headsOf } from './progress.js';
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

/** Options of {@link claim}. */
export interface ClaimOptions extends ClaimsOptions {
  /** The branch on which the work will happen; shown, and checked by the pre-push hook. Default: none. */
  readonly branch?: string;
  /** Text for others to read, one line. Default: none. */
  readonly reason?: string;
  /**
   * The revision the work starts from: refused when the last holder left the resource at one that this does not
   * contain. Default: none, no check.
   */
  readonly base?: string;
  /**
   * Whether what an agent of the same name has claimed in another clone is taken over, although that may be at
   * work. Default `false`.
   */
  readonly takeOver?: boolean;
}

const CLAIM_OPTIONS = {
  ...CLAIMS_OPTIONS,
  branch: TEXT,
  reason: TEXT,
  base: TEXT,
  takeOver: BOOLEAN,
} satisfies Record<keyof ClaimOptions, OptionRule>;

/**
 * `claimed`: the remote has confirmed it. `already-held`: this agent had claimed it in this clone, confirmed at the remote,
 * nothing was published. `contended`: it is held elsewhere, if only by the same agent in another clone. `lost`: this
 * clone believed to have it, and another agent has. `unconfirmed`: the remote could not be asked, and an earlier or
 * this claim may stand. `not-taken`: nothing was published because another of the ids could not be had.
 */
export type ClaimOutcome = 'claimed' | 'already-held' | 'contended' | 'lost' | 'unconfirmed' | 'not-taken';

/** Outcome for one id. */
export interface ClaimItem {
  /** The id. */
  readonly id: string;
  /** What happened. */
  readonly outcome: ClaimOutcome;
  /** What the remote has: one's own claim, or the winner's. */
  readonly claim?: Claim;
  /** Why there is no answer of the remote. */
  readonly cause?: string;
}

/** What {@link claim} resolves with. */
export interface ClaimResult {
  /** The worst of the items. */
  readonly outcome: Exclude<ClaimOutcome, 'not-taken'>;
  /** One entry per id, in the order of the call. */
  readonly items: readonly ClaimItem[];
}

/** Others may have claimed and released since this clone saw it: then the free tip is another one, and it starts over. */
const MAX_ATTEMPTS = 5;

/**
 * Claims one or several ids for an agent: all or none. At most one fetch and one push, unless others race or
 * have released an id that this clone never saw.
 *
 * @param ids what people have: `issue-42`, `#42`, `feature/x`, `src/parser.ts`; at most 200 characters each. Ids that
 *   differ only in case are one.
 * @throws TypeError for other ids. LockError HOLDFAST_PERMISSION when the remote refuses, HOLDFAST_PROTOCOL for an
 *   unreadable record, HOLDFAST_CONFIG_MISMATCH without one remote that decides, HOLDFAST_UNSUPPORTED when the
 *   remote cannot take several ids at once, HOLDFAST_BACKEND_UNAVAILABLE when it cannot be reached and nothing was sent.
 * Not guaranteed: that the holder learns of a steal before its next command.
 * @example
 * const { outcome, items } = await claim('task-1', { reason: 'fixing it' });
 * if (outcome !== 'claimed') console.error(items[0]?.claim?.agent, 'has it');
 */
export async function claim(
  ids: string | readonly string[],
  options: ClaimOptions = {},
): Promise<ClaimResult> {
  checkOptions(options, CLAIM_OPTIONS);
  const list = idList(ids);
  const [reason, branch] = [oneLine('reason', options.reason), oneLine('branch', options.branch)];
  return inSession(options, async (session) => {
    const base = options.base === undefined ? undefined : await resolveBase(session.arbiter, options.base);
    const takeOver = options.takeOver === true;
    const head = (await headsOf(session.arbiter, [branch])).get(branch ?? '');
    const items = await new Claiming(session, list, { branch, reason, base, head, takeOver }).run();
    return { outcome: worstOf(items), items };
  });
}

function worstOf(items: readonly ClaimItem[]): ClaimResult['outcome'] {
  const order = ['unconfirmed', 'lost', 'contended', 'claimed', 'already-held'] as const;
  return order.find((outcome) => items.some((item) => item.outcome === outcome)) ?? 'contended';
}

interface Wishes {
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly base: string | undefined;
  readonly head: string | undefined;
  readonly takeOver: boolean;
}

/** What an event of ours can follow: nothing or a free tip, or a hold that this agent may take over. */
type Ground = FreeTip | RecordedTip;

const BLOCKING: ReadonlySet<ClaimOutcome> = new Set(['contended', 'lost', 'unconfirmed']);

/** One call of {@link claim}, under the local lock. */
class Claiming {
  readonly #session: Session;
  readonly #ids: readonly string[];
  readonly #wishes: Wishes;
  readonly #items = new Map<string, ClaimItem>();
  /** Claims whose last push had no answer: if it turns out to have landed, this call is what confirms it. */
  readonly #wasPending: ReadonlySet<string>;

  constructor(session: Session, ids: readonly string[], wishes: Wishes) {
    this.#session = session;
    this.#ids = ids;
    this.#wishes = wishes;
    this.#wasPending = new Set(ids.filter((id) => session.isPending(id)));
  }

  async run(): Promise<readonly ClaimItem[]> {
    let ground = this.#unheardOf() ?? (await this.#look());
    for (let attempt = 1; ground !== undefined && ground.size > 0; attempt++) {
      const changes = [...ground].map(([id, tip]) => this.#changeFor(id, tip));
      const outcomes = await this.#session.publish(changes, changes.length > 1);
      ground = await this.#digest(ground, outcomes, attempt === MAX_ATTEMPTS);
    }
    return this.#ids.map((id) => this.#items.get(id) ?? { id, outcome: 'not-taken' });
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
