import { refOfClaim, unconfirmedError, type ClaimEvent } from '../backends/git/index.js';
import { idList, openSession, type ClaimsOptions } from './session.js';

export interface HistoryOptions extends ClaimsOptions {
  /** How many events, the latest first. Default 50. */
  readonly limit?: number;
}

export interface HistoryEntry {
  readonly commit: string;
  /** undefined for a commit that is no event of this claim. */
  readonly event: ClaimEvent | undefined;
  readonly agent?: string;
  readonly generation?: bigint;
  readonly holderId?: string;
  /** Wall clock of the agent, ISO 8601. */
  readonly at?: string;
  readonly branch?: string;
  readonly reason?: string;
  readonly base?: string;
  readonly previousAgent?: string;
  /** What is wrong with it. */
  readonly problem?: string;
}

/**
 * What happened to a claim, the latest event first.
 *
 * @throws LockError HOLDFAST_UNCONFIRMED when the remote cannot be asked; else as `claim` does.
 */
export async function history(id: string, options: HistoryOptions = {}): Promise<readonly HistoryEntry[]> {
  idList(id);
  const { limit = 50 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`limit must be a positive integer, not ${limit}.`);
  const session = await openSession(options);
  return session.use(async (store) => {
    const events = await store.events(refOfClaim(id), limit, session.deadline);
    if (events.kind === 'unreachable') throw unconfirmedError(id, session.arbiter.url, events.cause);
    return events.tips.map((tip) => {
      if (tip.record === undefined)
        return { commit: tip.oid, event: undefined, problem: tip.problem ?? 'it is no event' };
      const { event, agent, generation, holderId, at, branch, reason, base, previous } = tip.record;
      return {
        commit: tip.oid,
        event,
        agent,
        generation: BigInt(generation),
        holderId,
        at,
        ...(branch !== undefined && { branch }),
        ...(reason !== undefined && { reason }),
        ...(base !== undefined && { base }),
        ...(typeof previous?.agent === 'string' && { previousAgent: previous.agent }),
        ...(tip.problem !== undefined && { problem: tip.problem }),
      };
    });
  });
}
