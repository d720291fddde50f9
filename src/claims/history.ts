import { checkOptions, NUMBER, type OptionRule } from '../core/check-options.js';
import type { PastEvent } from '../backends/git/index.js';
import { CLAIMS_OPTIONS, idList, inSession, type ClaimsOptions } from './session.js';

/** Options of {@link history}. */
export interface HistoryOptions extends ClaimsOptions {
  /** How many events, the latest first. Default 50. */
  readonly limit?: number;
}

const HISTORY_OPTIONS = {
  ...CLAIMS_OPTIONS,
  limit: NUMBER,
} satisfies Record<keyof HistoryOptions, OptionRule>;

/** One event of an id. */
export interface HistoryEntry {
  /** Hash of its commit. */
  readonly commit: string;
  /** One of `claimed`, `renewed`, `noted`, `stolen`, `released`, `forced`, or of a newer version. undefined: the commit is no event. */
  readonly event: string | undefined;
  /** Name of the agent. Absent where the record has none. */
  readonly agent?: string;
  /** Generation of the claim: its fencing token. Absent where the record has none. */
  readonly generation?: bigint;
  /** Random identity of the claim. Absent where the record has none. */
  readonly holderId?: string;
  /** Wall clock of the agent, ISO 8601. */
  readonly at?: string;
  /** Branch on which the work happens. Absent where none was given. */
  readonly branch?: string;
  /** Reason that was given. Absent where none was. */
  readonly reason?: string;
  /** Revision from which the work starts. Absent where none was given. */
  readonly base?: string;
  /** The note, of a `noted` event. Absent for other events. */
  readonly note?: string;
  /** Agent from which it was stolen. Absent for other events. */
  readonly previousAgent?: string;
  /** What is wrong with it. */
  readonly problem?: string;
}

/**
 * What happened to a claim, the latest event first.
 *
 * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when the remote cannot be asked; else as `claim` does.
 */
export async function history(id: string, options: HistoryOptions = {}): Promise<readonly HistoryEntry[]> {
  checkOptions(options, HISTORY_OPTIONS);
  idList(id);
  const { limit = 50 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`limit must be a positive integer, not ${limit}.`);
  return inSession(options, async ({ store }) => {
    const events = await store.events(id, limit);
    if ('kind' in events) throw store.unreachable('read', [id], events.cause);
    return events.map(entryOf);
  });
}

function entryOf({ oid, record, problem }: PastEvent): HistoryEntry {
  if (record === undefined) return { commit: oid, event: undefined, problem: problem ?? 'it is no event' };
  const { event, agent, generation, holderId, at, branch, reason, base, previous } = record;
  const note = event === 'noted' ? record.note : undefined;
  return {
    commit: oid,
    event,
    agent,
    generation: BigInt(generation),
    holderId,
    at,
    ...(branch !== undefined && { branch }),
    ...(reason !== undefined && { reason }),
    ...(base !== undefined && { base }),
    ...(note !== undefined && { note }),
    ...(previous?.agent !== undefined && { previousAgent: previous.agent }),
    ...(problem !== undefined && { problem }),
  };
}
