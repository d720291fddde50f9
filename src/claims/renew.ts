import { checkOptions } from '../core/check-options.js';
import {
  continuedChange,
  idOf,
  landedTip,
  refOfClaim,
  type Attempted,
  type Outcome,
} from '../backends/git/index.js';
import { headsOf } from './progress.js';
import {
  CLAIMS_OPTIONS,
  idList,
  inSession,
  type Claim,
  type ClaimsOptions,
  type Session,
} from './session.js';

/** What became of one hold that was to go on. */
export interface ContinuedItem {
  /** The id. */
  readonly id: string;
  /** What happened. */
  readonly outcome: 'renewed' | 'noted' | 'lost' | 'not-held' | 'unconfirmed' | 'failed';
  /** The claim as it is now. Absent where there is none of this clone. */
  readonly claim?: Claim;
  /** Why it failed. Absent otherwise. */
  readonly cause?: string;
}

/** Outcome for one id. */
export interface RenewItem extends ContinuedItem {
  /** What happened. */
  readonly outcome: 'renewed' | 'lost' | 'not-held' | 'unconfirmed' | 'failed';
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
  checkOptions(options, CLAIMS_OPTIONS);
  const list = ids === undefined ? undefined : idList(ids);
  return inSession(options, (session) => continueHolds(session, list) as Promise<readonly RenewItem[]>);
}

type Hold = Attempted & { readonly ref: string };

const MAX_ATTEMPTS = 3;

/** Publishes one event upon each hold of this agent in this clone, or of `ids`: a renewal, or a note. */
export async function continueHolds(
  session: Session,
  ids: readonly string[] | undefined,
  note?: string,
): Promise<readonly ContinuedItem[]> {
  const items = new Map<string, ContinuedItem>();
  for (const id of ids ?? []) items.set(refOfClaim(id), { id, outcome: 'not-held' });
  await settleComing(session, ids, items);
  const refs = ids && new Set(ids.map(refOfClaim));
  const own: Hold[] = session.store.journal
    .allHeld()
    .filter(({ ref, record }) => record.agent === session.agent && (refs?.has(ref) ?? true));
  // Of an older hold that was lost unnoticed and the one after it, only the later can be the tip.
  let holds = [...new Map(own.map((hold) => [hold.ref, hold])).values()];
  const heads = await headsOf(
    session.arbiter,
    holds.map(({ record }) => record.branch),
  );
  const event = note === undefined ? 'renewed' : 'noted';
  for (let attempt = 1; holds.length > 0 && attempt <= MAX_ATTEMPTS; attempt++) {
    const again: Hold[] = [];
    const wallMs = session.clock.wallNow();
    const changes = holds.map((hold) =>
      continuedChange(hold, event, wallMs, { note, head: heads.get(hold.record.branch ?? '') }),
    );
    const outcomes = await session.publish(changes);
    for (const hold of holds) {
      const outcome = outcomes.get(hold.ref) as Outcome;
      const isOurs = outcome.kind === 'moved' && outcome.tip.kind === 'held' && session.isOwn(outcome.tip);
      if (isOurs) again.push(outcome.tip);
      items.set(hold.ref, continuedItem(session, hold, outcome, event));
    }
    holds = again;
  }
  return [...items.values()];
}

/** Claims of which it is not known yet whether this agent has them: looked at before anything is reported. */
async function settleComing(
  session: Session,
  asked: readonly string[] | undefined,
  items: Map<string, ContinuedItem>,
): Promise<void> {
  const { journal } = session.store;
  const isComing = (id: string): boolean =>
    session.comingClaim(id) !== undefined && session.lostHolds(id).length === 0;
  const pending = journal
    .pendingRefs()
    .map((ref) => idOf({ ref, record: journal.pending(ref)?.tries[0]?.record }));
  const coming = (asked ?? pending).filter(isComing);
  if (coming.length === 0) return;
  const seen = await session.look(coming, 'renewed');
  for (const id of coming.filter(isComing)) items.set(refOfClaim(id), seen.unconfirmed(id));
}

function continuedItem(
  session: Session,
  hold: Hold,
  outcome: Outcome,
  event: 'renewed' | 'noted',
): ContinuedItem {
  const id = idOf(hold);
  switch (outcome.kind) {
    case 'landed':
      return { id, outcome: event, claim: session.claimOf(landedTip(hold.ref, outcome.attempted)) };
    case 'moved': {
      const { tip } = outcome;
      return { id, outcome: 'lost', ...(tip.kind === 'held' && { claim: session.claimOf(tip) }) };
    }
    case 'failed':
      return { id, outcome: 'failed', cause: outcome.error.message };
    case 'unconfirmed':
      return { id, outcome: 'unconfirmed', cause: outcome.cause };
    case 'skipped':
      return { id, outcome: 'unconfirmed' };
  }
}
