import { idOf, unconfirmedError, type BrokenTip, type ClaimStore, type Tip } from '../backends/git/index.js';
import { openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, type Claim } from './view.js';

/** A branch whose record cannot be relied upon: neither held nor free. */
export interface BrokenClaim {
  readonly id: string;
  readonly problem: string;
  /** A newer version of holdfast may understand it. */
  readonly isNewer: boolean;
}

export interface ClaimList {
  readonly claims: readonly Claim[];
  readonly broken: readonly BrokenClaim[];
  /** Ids that this clone believed to have, and no longer has. */
  readonly lost: readonly string[];
}

/**
 * Every claim at the remote, as it says itself just now: one fetch. Never from memory.
 *
 * @throws LockError HOLDFAST_UNCONFIRMED when the remote cannot be asked; else as `claim` does.
 */
export async function list(options: ClaimsOptions = {}): Promise<ClaimList> {
  const session = await openSession(options);
  return session.use(async (store) => listed(store, session, await lookAtAll(store, session)));
}

/** @throws LockError HOLDFAST_UNCONFIRMED when the remote cannot be asked. */
export async function lookAtAll(store: ClaimStore, session: Session): Promise<readonly Tip[]> {
  const look = await store.look('all', session.deadline);
  if (look.kind === 'unreachable') throw unconfirmedError('all claims', session.arbiter.url, look.cause);
  return [...look.tips.values()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

export function listed(store: ClaimStore, session: Session, tips: readonly Tip[]): ClaimList {
  const byRef = new Map(tips.map((tip) => [tip.ref, tip]));
  const lost = store.journal
    .allHeld()
    .filter(({ ref, record }) => {
      const tip = byRef.get(ref);
      return (
        record.agent === session.agent && !(tip?.kind === 'held' && tip.record.holderId === record.holderId)
      );
    })
    .map(idOf);
  return {
    claims: tips.flatMap((tip) => (tip.kind === 'held' ? [claimOf(store, session, tip)] : [])),
    broken: tips.flatMap((tip) => (tip.kind === 'broken' ? [brokenClaim(tip)] : [])),
    lost: [...new Set(lost)],
  };
}

export function brokenClaim(tip: BrokenTip): BrokenClaim {
  return { id: idOf(tip), problem: tip.problem, isNewer: tip.isNewer };
}
