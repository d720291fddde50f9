import { checkOptions } from '../core/check-options.js';
import { idOf, refOfClaim, type BrokenTip, type Tip } from '../backends/git/index.js';
import { pushedProgress } from './pushed.js';
import { CLAIMS_OPTIONS, inSession, type Claim, type ClaimsOptions, type Session } from './session.js';

/** A branch whose record cannot be relied upon: neither held nor free. */
export interface BrokenClaim {
  /** The id. */
  readonly id: string;
  /** What is wrong with its record. */
  readonly problem: string;
  /** A newer version of holdfast may understand it. */
  readonly isNewer: boolean;
}

/** Claims of a remote, by id. */
export interface ClaimList {
  /** Claims that can be read. */
  readonly claims: readonly Claim[];
  /** Claims whose records cannot be read. */
  readonly broken: readonly BrokenClaim[];
  /** Ids that this clone believed to have, and no longer has. */
  readonly lost: readonly string[];
}

/**
 * Every claim at the remote, as it reports just now: one fetch. Never from memory.
 *
 * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when the remote cannot be asked; else as `claim` does.
 */
export async function list(options: ClaimsOptions = {}): Promise<ClaimList> {
  checkOptions(options, CLAIMS_OPTIONS);
  return inSession(options, async (session) => listed(session, await session.lookAtAll()));
}

async function listed(session: Session, tips: readonly Tip[]): Promise<ClaimList> {
  const pushed = await pushedProgress(session, tips);
  const byRef = new Map(tips.map((tip) => [tip.ref, tip]));
  const lost = session.store.journal
    .allHeld()
    .filter(({ ref, record }) => {
      const tip = byRef.get(ref);
      const isThere = tip?.kind === 'held' && tip.record.holderId === record.holderId;
      return record.agent === session.agent && !isThere;
    })
    .map(idOf);
  return {
    claims: tips.flatMap((tip) => (tip.kind === 'held' ? [session.claimOf(tip, pushed.get(tip.ref))] : [])),
    broken: tips.flatMap((tip) => (tip.kind === 'broken' ? [brokenClaim(tip)] : [])),
    lost: [...new Set(lost)],
  };
}

export function brokenClaim(tip: BrokenTip): BrokenClaim {
  return { id: idOf(tip), problem: tip.problem, isNewer: tip.isNewer };
}

/** What {@link sync} resolves with. */
export interface SyncResult extends ClaimList {
  /** Ids whose earlier pushes had no answer, and what became of them. */
  readonly settled: readonly { readonly id: string; readonly outcome: 'landed' | 'void' | 'unconfirmed' }[];
}

/**
 * Looks at all claims and settles what earlier commands had to leave unconfirmed. Looking is also what makes
 * staleness visible: a claim counts as stale once a clone has seen it unchanged long enough.
 *
 * @throws as `list` does.
 */
export async function sync(options: ClaimsOptions = {}): Promise<SyncResult> {
  checkOptions(options, CLAIMS_OPTIONS);
  return inSession(options, async (session) => {
    const { journal } = session.store;
    const before = journal.pendingRefs().map((ref) => {
      const tries = journal.pending(ref)?.tries ?? [];
      return { ref, tries, id: idOf({ ref, record: tries[0]?.record }) };
    });
    const tips = await session.lookAtAll();
    // A branch that is not there does not show in a look at all of them.
    const absent = before.filter(({ ref }) => !tips.some((tip) => tip.ref === ref)).map(({ id }) => id);
    if (absent.length > 0) await session.store.look(absent);
    const settled = before.map(({ id, tries }) => {
      if (session.isPending(id)) return { id, outcome: 'unconfirmed' as const };
      const tip = tips.find(({ ref }) => ref === refOfClaim(id));
      const isLanded = tries.some(({ oid }) => oid === tip?.oid);
      return { id, outcome: isLanded ? ('landed' as const) : ('void' as const) };
    });
    return { ...(await listed(session, tips)), settled };
  });
}
