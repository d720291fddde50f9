import { formatDuration } from '../core/duration.js';
import { LockTimeoutError } from '../core/errors.js';
import { newHolderId } from '../core/holder.js';
import {
  claimedChange,
  generationOf,
  landedTip,
  publish,
  refOfClaim,
  stolenChange,
  type ClaimStore,
  type Tip,
} from '../backends/git/index.js';
import { brokenError, idList, oneLine, openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf, lostHolds, type Claim } from './view.js';

export interface StealOptions extends ClaimsOptions {
  /** Take it from a holder who may be at work. Needs a reason. */
  readonly force?: boolean;
  readonly reason?: string;
  readonly branch?: string;
}

export interface StealResult {
  readonly id: string;
  /** `stolen`: taken from somebody. `claimed`: it was free. */
  readonly outcome: 'stolen' | 'claimed' | 'already-held' | 'contended' | 'unconfirmed';
  /** One's own claim, or the one that was in the way. */
  readonly claim?: Claim;
  /** From whom it was taken. */
  readonly previous?: Claim;
  readonly cause?: string;
}

/**
 * Takes a claim that is stale from its holder, expecting exactly the state that was seen to be stale.
 *
 * @throws LockError HOLDFAST_CONTENDED when it is not stale and `force` was not asked for; TypeError for `force`
 *   without a reason; else as `claim` does.
 * Not guaranteed: that the victim stops. It learns of it at its next command.
 */
export async function steal(id: string, options: StealOptions = {}): Promise<StealResult> {
  idList(id);
  const [reason, branch] = [oneLine('reason', options.reason), oneLine('branch', options.branch)];
  if (options.force === true && reason === undefined)
    throw new TypeError('To steal by force, give a reason.');
  const session = await openSession(options);
  return session.use(async (store) => {
    const look = await store.look([id], session.deadline);
    if (look.kind === 'unreachable') return { id, outcome: 'unconfirmed', cause: look.cause };
    const tip = look.tips.get(refOfClaim(id)) as Tip;
    return take(store, session, id, tip, { reason, branch, isForced: options.force === true });
  });
}

interface Wishes {
  readonly reason: string | undefined;
  readonly branch: string | undefined;
  readonly isForced: boolean;
}

async function take(
  store: ClaimStore,
  session: Session,
  id: string,
  tip: Tip,
  wishes: Wishes,
): Promise<StealResult> {
  if (tip.kind === 'broken') throw brokenError(id, tip.problem);
  const previous = tip.kind === 'held' ? claimOf(store, session, tip) : undefined;
  if (previous?.isMine === true) return { id, outcome: 'already-held', claim: previous };
  if (previous !== undefined && !previous.isStale && !wishes.isForced) throw notStaleError(previous);
  const { agent, staleAfterMs, clock } = session;
  const { reason, branch } = wishes;
  const taker = { agent, holderId: newHolderId(), staleAfterMs, reason, branch };
  const change =
    tip.kind === 'held'
      ? stolenChange(id, tip, taker, clock.wallNow())
      : claimedChange(id, tip.ref, { oid: tip.oid, generation: generationOf(tip) }, taker, clock.wallNow());
  const outcome = (await publish(store, [change], false, session.deadline)).get(tip.ref);
  if (outcome?.kind === 'failed') throw outcome.error;
  if (outcome?.kind === 'moved') {
    const winner = outcome.tip.kind === 'held' ? { claim: claimOf(store, session, outcome.tip) } : {};
    return { id, outcome: 'contended', ...winner };
  }
  if (outcome?.kind !== 'landed')
    return {
      id,
      outcome: 'unconfirmed',
      cause: outcome?.kind === 'unconfirmed' ? outcome.cause : 'no answer',
    };
  const landed = landedTip(tip.ref, outcome.attempted);
  const claim = claimOf(store, session, landed);
  // An earlier event of this clone landed late instead: another agent's, or one that freed it.
  if (!claim.isMine) return { id, outcome: 'contended', ...(landed.kind === 'held' && { claim }) };
  for (const holderId of lostHolds(store, agent, id, claim.holderId)) store.journal.ended(tip.ref, holderId);
  store.journal.save();
  return { id, outcome: previous === undefined ? 'claimed' : 'stolen', claim, ...(previous && { previous }) };
}

function notStaleError(claim: Claim): LockTimeoutError {
  return new LockTimeoutError(
    `Could not steal "${claim.id}": ${claim.agent} has it, and this clone has seen it unchanged for ${formatDuration(claim.unchangedMs)} of the ${formatDuration(claim.staleAfterMs)} that make it stale. Ask ${claim.agent}, look again later, or use --force --reason TEXT.`,
    {
      code: 'HOLDFAST_CONTENDED',
      resource: claim.id,
      holders: [
        {
          state: 'holder',
          mode: 'exclusive',
          command: claim.agent,
          holderId: claim.holderId,
          sinceAt: claim.sinceAt,
          fencingToken: claim.generation,
        },
      ],
    },
  );
}
