import { isPathClaim, refOfClaim, type Tip } from '../backends/git/index.js';
import type { ClaimItem, ClaimResult } from './claim-result.js';
import { Claiming, type Wishes } from './claiming.js';
import type { Session } from './session.js';

/**
 * Claims the first of the ids that is free, or returns one that this agent has already. After a lost race it goes on with a
 * random one: those who lose together would meet again at the next.
 */
export async function claimAny(
  session: Session,
  ids: readonly string[],
  wishes: Wishes,
): Promise<ClaimResult> {
  const tips = new Map((await session.lookAtAll()).map((tip) => [tip.ref, tip]));
  const tipOf = (id: string): Tip | undefined => tips.get(refOfClaim(id));
  const own = ids.filter((id) => isOwn(session, id, tipOf(id)));
  const left = [...own, ...ids.filter((id) => !own.includes(id) && isFree(tipOf(id)))];
  const items = new Map<string, ClaimItem>();
  for (let next = left.shift(); next !== undefined;) {
    const tip = tipOf(next);
    // A path is looked at with all others, in a look of its own.
    const isKnown = !isPathClaim(next) && tip?.kind === 'free' && !session.isPending(next);
    const [item] = await new Claiming(session, [next], wishes).run(isKnown ? tip : undefined);
    if (item === undefined) break;
    items.set(next, item);
    if (item.outcome === 'claimed' || item.outcome === 'already-held')
      return { outcome: item.outcome, items: [item] };
    // It may be this agent's: another one besides would be one too many.
    if (item.outcome === 'unconfirmed') return { outcome: 'unconfirmed', items: [item] };
    next = left.splice(Math.floor(Math.random() * left.length), 1)[0];
  }
  const all = ids.map((id) => items.get(id) ?? itemOf(session, id, tipOf(id)));
  return { outcome: all.every(({ outcome }) => outcome === 'done') ? 'done' : 'contended', items: all };
}

function isOwn(session: Session, id: string, tip: Tip | undefined): boolean {
  return session.isPending(id) || (tip?.kind === 'held' && session.isOwn(tip));
}

function isFree(tip: Tip | undefined): boolean {
  return tip === undefined || (tip.kind === 'free' && tip.record.isDone !== true);
}

function itemOf(session: Session, id: string, tip: Tip | undefined): ClaimItem {
  if (tip?.kind === 'held') return { id, outcome: 'contended', claim: session.claimOf(tip) };
  if (tip?.kind === 'broken') return { id, outcome: 'contended', cause: tip.problem };
  return { id, outcome: tip?.kind === 'free' && tip.record.isDone === true ? 'done' : 'contended' };
}
