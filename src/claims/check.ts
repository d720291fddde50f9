import { idOf, MAY_LAND_YET, refOfClaim, type ClaimStore, type Tip } from '../backends/git/index.js';
import { lookAtAll } from './list.js';
import { brokenError, idList, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, comingClaim, lostHolds, type Claim } from './view.js';

/** `held`: this agent has it, confirmed at the remote just now. */
export type CheckOutcome = 'held' | 'contended' | 'lost' | 'not-held' | 'unconfirmed';

export interface CheckItem {
  readonly id: string;
  readonly outcome: CheckOutcome;
  /** What the remote has. */
  readonly claim?: Claim;
  readonly cause?: string;
}

/**
 * Asks the remote whether this agent has the claims. Changes nothing.
 *
 * @throws as `claim` does.
 * Not guaranteed: that it is still so a moment later.
 */
export async function check(
  ids: string | readonly string[],
  options: ClaimsOptions = {},
): Promise<readonly CheckItem[]> {
  const list = idList(ids);
  const session = await openSession(options);
  return session.use(async (store) => {
    const look = await store.look(list, session.deadline);
    if (look.kind === 'unreachable')
      return list.map((id) => ({ id, outcome: 'unconfirmed', cause: look.cause }));
    return list.map((id) => checked(store, session, id, look.tips.get(refOfClaim(id)) as Tip));
  });
}

/**
 * Asks the remote about every claim that names one of the branches: what a pre-push hook needs. Branches that nobody
 * claimed give no item.
 *
 * @throws LockError HOLDFAST_UNCONFIRMED when the remote cannot be asked; else as `claim` does.
 */
export async function checkBranches(
  branches: readonly string[],
  options: ClaimsOptions = {},
): Promise<readonly CheckItem[]> {
  if (branches.length === 0) return [];
  const session = await openSession(options);
  return session.use(async (store) => {
    const wanted = new Set(branches);
    // What this clone believed to have on a branch counts too: it may have been taken.
    const believed = new Set(
      store.journal
        .allHeld()
        .filter(({ record }) => record.agent === session.agent && wanted.has(record.branch ?? ''))
        .map(({ ref }) => ref),
    );
    const tips = await lookAtAll(store, session);
    for (const { ref } of tips) believed.delete(ref);
    const absent = [...believed].map((ref): Tip => ({ kind: 'absent', ref, oid: '' }));
    return [...tips.filter((tip) => concerns(store, session, tip, wanted)), ...absent].map((tip) =>
      checked(store, session, idOf(tip), tip),
    );
  });
}

function concerns(store: ClaimStore, session: Session, tip: Tip, branches: ReadonlySet<string>): boolean {
  if (tip.kind === 'held' && branches.has(tip.record.branch ?? '')) return true;
  if (tip.kind === 'broken') return tip.record !== undefined && branches.has(tip.record.branch ?? '');
  return store.journal
    .allHeld(tip.ref)
    .some(({ record }) => record.agent === session.agent && branches.has(record.branch ?? ''));
}

export function checked(store: ClaimStore, session: Session, id: string, tip: Tip): CheckItem {
  if (tip.kind === 'broken') throw brokenError(id, tip.problem);
  const current = tip.kind === 'held' ? claimOf(store, session, tip) : undefined;
  if (current !== undefined && (current.isMine || current.isElsewhere))
    return { id, outcome: 'held', claim: current };
  if (comingClaim(store, session.agent, id) !== undefined) {
    return { id, outcome: 'unconfirmed', cause: MAY_LAND_YET, ...(current && { claim: current }) };
  }
  const isLost = lostHolds(store, session.agent, id, current?.holderId).length > 0;
  const outcome = isLost ? 'lost' : current === undefined ? 'not-held' : 'contended';
  return { id, outcome, ...(current && { claim: current }) };
}
