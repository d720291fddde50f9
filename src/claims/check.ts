import { refOfClaim, type ClaimStore, type Tip } from '../backends/git/index.js';
import { brokenError, idList, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, lostHolds, type Claim } from './view.js';

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

export function checked(store: ClaimStore, session: Session, id: string, tip: Tip): CheckItem {
  if (tip.kind === 'broken') throw brokenError(id, tip.problem);
  const current = tip.kind === 'held' ? claimOf(store, session, tip) : undefined;
  if (current !== undefined && (current.isMine || current.isElsewhere))
    return { id, outcome: 'held', claim: current };
  const isLost = lostHolds(store, session.agent, id, current?.holderId).length > 0;
  const outcome = isLost ? 'lost' : current === undefined ? 'not-held' : 'contended';
  return { id, outcome, ...(current && { claim: current }) };
}
