import { BOOLEAN, checkOptions, TEXT, type OptionRule } from '../core/check-options.js';
import { formatDuration } from '../core/duration.js';
import { LockTimeoutError } from '../core/errors.js';
import { newHolderId } from '../core/holder.js';
import {
  claimedChange,
  generationOf,
  isPathClaim,
  landedTip,
  stolenChange,
  type Change,
  type Tip,
} from '../backends/git/index.js';
import { Claiming } from './claiming.js';
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

/** Options of {@link steal}. */
export interface StealOptions extends ClaimsOptions {
  /** Whether it is taken from a holder that may be at work. Needs a reason. Default `false`. */
  readonly force?: boolean;
  /** Text for others to read, one line. Default: none. */
  readonly reason?: string;
  /** Default: the branch of the claim that is taken. */
  readonly branch?: string;
}

const STEAL_OPTIONS = {
  ...CLAIMS_OPTIONS,
  force: BOOLEAN,
  reason: TEXT,
  branch: TEXT,
} satisfies Record<keyof StealOptions, OptionRule>;

/** What {@link steal} resolves with. */
export interface StealResult {
  /** The id. */
  readonly id: string;
  /** `stolen`: taken from another holder. `claimed`: it was free. */
  readonly outcome: 'stolen' | 'claimed' | 'already-held' | 'contended' | 'unconfirmed';
  /** One's own claim, or the one that was in the way. */
  readonly claim?: Claim;
  /** From whom it was taken. */
  readonly previous?: Claim;
  /** Why it failed. Absent otherwise. */
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
  checkOptions(options, STEAL_OPTIONS);
  idList(id);
  const [reason, branch] = [oneLine('reason', options.reason), oneLine('branch', options.branch)];
  if (options.force === true && reason === undefined)
    throw new TypeError('To steal by force, give a reason.');
  return inSession(options, async (session) => {
    const seen = await session.look([id], 'stolen');
    if (!seen.isAnswered) return seen.unconfirmed(id);
    return take(session, id, seen.tip(id), { reason, branch, isForced: options.force === true });
  });
}

interface Wishes {
  readonly reason: string | undefined;
  readonly branch: string | undefined;
  readonly isForced: boolean;
}

async function take(session: Session, id: string, tip: Tip, wishes: Wishes): Promise<StealResult> {
  if (tip.kind === 'broken') throw brokenError(id, tip.problem);
  const previous = tip.kind === 'held' ? session.claimOf(tip) : undefined;
  if (previous?.isMine === true) return { id, outcome: 'already-held', claim: previous };
  if (previous !== undefined && !previous.isStale && !wishes.isForced) throw notStaleError(previous);
  // Nothing to steal: a free path is claimed with regard to those that overlap.
  if (previous === undefined && isPathClaim(id)) return claimPath(session, id, wishes);
  const outcome = (await session.publish([changeOf(session, id, tip, wishes)])).get(tip.ref);
  switch (outcome?.kind) {
    case 'failed':
      throw outcome.error;
    case 'landed': {
      const claim = session.claimOf(landedTip(tip.ref, outcome.attempted));
      session.endHolds(id, session.lostHolds(id, claim.holderId));
      if (previous === undefined) return { id, outcome: 'claimed', claim };
      return { id, outcome: 'stolen', claim, previous };
    }
    case 'moved': {
      const claim = outcome.tip.kind === 'held' ? session.claimOf(outcome.tip) : undefined;
      // An earlier steal of this agent has landed.
      if (claim?.isMine === true && previous !== undefined) return { id, outcome: 'stolen', claim, previous };
      return { id, outcome: claim?.isMine === true ? 'claimed' : 'contended', ...(claim && { claim }) };
    }
    default:
      return {
        id,
        outcome: 'unconfirmed',
        cause: outcome?.kind === 'unconfirmed' ? outcome.cause : 'no answer',
      };
  }
}

async function claimPath(session: Session, id: string, { reason, branch }: Wishes): Promise<StealResult> {
  const wishes = { reason, branch, base: undefined, head: undefined, takeOver: false };
  const [item] = await new Claiming(session, [id], wishes).run();
  const { outcome = 'contended', claim, cause } = item ?? {};
  const isKnown = outcome === 'claimed' || outcome === 'already-held' || outcome === 'unconfirmed';
  return {
    id,
    outcome: isKnown ? outcome : 'contended',
    ...(claim && { claim }),
    ...(cause !== undefined && { cause }),
  };
}

function changeOf(
  { agent, staleAfterMs, clock }: Session,
  id: string,
  tip: Exclude<Tip, { kind: 'broken' }>,
  { reason, branch }: Wishes,
): Change {
  const taker = { agent, holderId: newHolderId(), staleAfterMs, reason, branch };
  if (tip.kind === 'held') return stolenChange(id, tip, taker, clock.wallNow());
  return claimedChange(id, tip.ref, { oid: tip.oid, generation: generationOf(tip) }, taker, clock.wallNow());
}

function notStaleError(claim: Claim): LockTimeoutError {
  const quiet = claim.isQuiet
    ? `alive and without progress for ${formatDuration(claim.progress.agoMs)}, `
    : '';
  return new LockTimeoutError(
    `Could not steal "${claim.id}": ${claim.agent} has it, ${quiet}and this clone has seen it unchanged for ${formatDuration(claim.unchangedMs)} of the ${formatDuration(claim.staleAfterMs)} that make it stale. Ask ${claim.agent}, look again later, or use --force --reason TEXT.`,
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
