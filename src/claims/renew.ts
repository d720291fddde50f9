import {
  continuedChange,
  idOf,
  landedTip,
  MAY_LAND_YET,
  publish,
  refOfClaim,
  type Attempted,
  type ClaimStore,
  type Outcome,
} from '../backends/git/index.js';
import { idList, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, comingClaim, isOwn, lostHolds, type Claim } from './view.js';

export interface RenewItem {
  readonly id: string;
  readonly outcome: 'renewed' | 'lost' | 'not-held' | 'unconfirmed' | 'failed';
  readonly claim?: Claim;
  readonly cause?: string;
}

/**
 * Shows others that this agent is still at work: one push for all its claims in this clone, or for `ids`; each is
 * judged alone.
 *
 * @throws as `claim` does.
 */
export async function renew(
  ids?: string | readonly string[],
  options: ClaimsOptions = {},
): Promise<readonly RenewItem[]> {
  const list = ids === undefined ? undefined : idList(ids);
  const session = await openSession(options);
  return session.use((store) => renewAll(store, session, list));
}

type Hold = Attempted & { readonly ref: string };

async function renewAll(
  store: ClaimStore,
  session: Session,
  ids: readonly string[] | undefined,
): Promise<readonly RenewItem[]> {
  const items = new Map<string, RenewItem>();
  for (const id of ids ?? []) items.set(id, { id, outcome: 'not-held' });
  await settleComing(store, session, ids, items);
  let holds: Hold[] = store.journal.allHeld().filter(({ record }) => record.agent === session.agent);
  if (ids !== undefined) {
    const refs = new Set(ids.map(refOfClaim));
    holds = holds.filter(({ ref }) => refs.has(ref));
  }
  // Of an older hold that was lost unnoticed and the one after it, only the later can be the tip.
  holds = [...new Map(holds.map((hold) => [hold.ref, hold])).values()];
  for (let attempt = 1; holds.length > 0 && attempt <= 3; attempt++) {
    const again: Hold[] = [];
    const changes = holds.map((hold) => continuedChange(hold, 'renewed', session.clock.wallNow()));
    for (const [ref, outcome] of await publish(store, changes, false, session.deadline)) {
      const item = renewedItem(store, session, ref, outcome, again);
      if (item !== undefined) items.set(item.id, item);
    }
    holds = again;
  }
  return [...items.values()];
}

/** Claims of which nobody knows yet whether this agent has them: asked about before anything is said. */
async function settleComing(
  store: ClaimStore,
  session: Session,
  asked: readonly string[] | undefined,
  items: Map<string, RenewItem>,
): Promise<void> {
  const isComing = (id: string): boolean =>
    comingClaim(store, session.agent, id) !== undefined &&
    lostHolds(store, session.agent, id, undefined).length === 0;
  const coming = (asked ?? store.journal.pendingRefs().map((ref) => idOf({ ref }))).filter(isComing);
  if (coming.length === 0) return;
  const look = await store.look(coming, session.deadline);
  for (const id of coming.filter(isComing)) {
    const cause = look.kind === 'unreachable' ? look.cause : MAY_LAND_YET;
    items.set(id, { id, outcome: 'unconfirmed', cause });
  }
}

function renewedItem(
  store: ClaimStore,
  session: Session,
  ref: string,
  outcome: Outcome,
  again: Hold[],
): RenewItem | undefined {
  const id = idOf({ ref });
  switch (outcome.kind) {
    case 'landed': {
      const tip = landedTip(ref, outcome.attempted);
      if (tip.kind === 'free') return { id, outcome: 'not-held' };
      const claim = claimOf(store, session, tip);
      // A steal by another agent of this clone may have landed late.
      return { id, outcome: claim.isMine ? 'renewed' : 'lost', claim };
    }
    case 'moved': {
      const { tip } = outcome;
      if (tip.kind === 'held' && isOwn(store, session.agent, tip)) again.push(tip);
      const claim = tip.kind === 'held' ? { claim: claimOf(store, session, tip) } : {};
      return { id, outcome: 'lost', ...claim };
    }
    case 'failed':
      return { id, outcome: 'failed', cause: outcome.error.message };
    case 'unconfirmed':
      return { id, outcome: 'unconfirmed', cause: outcome.cause };
    case 'spared':
      return undefined;
  }
}
