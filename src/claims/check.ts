import { checkOptions } from '../core/check-options.js';
import { idOf, isInPath, MAY_LAND_YET, type Tip } from '../backends/git/index.js';
import {
  CLAIMS_OPTIONS,
  brokenError,
  idList,
  inSession,
  type Claim,
  type ClaimsOptions,
  type Session,
} from './session.js';

/** `held`: this agent has it, confirmed at the remote just now. */
export type CheckOutcome = 'held' | 'contended' | 'lost' | 'not-held' | 'unconfirmed';

/** Outcome of the check of one id. */
export interface CheckItem {
  /** As its claimer spelled it, where there is one. */
  readonly id: string;
  /** Whether the agent holds it. */
  readonly outcome: CheckOutcome;
  /** What the remote has. */
  readonly claim?: Claim;
  /** Why it could not be checked. Absent otherwise. */
  readonly cause?: string;
  /** Of a path that another agent has: what is changed in it. */
  readonly files?: readonly string[];
}

/**
 * Reads from the remote whether this agent has the claims. Changes nothing.
 *
 * @throws as `claim` does.
 * Not guaranteed: that it is still so a moment later.
 */
export async function check(
  ids: string | readonly string[],
  options: ClaimsOptions = {},
): Promise<readonly CheckItem[]> {
  checkOptions(options, CLAIMS_OPTIONS);
  const list = idList(ids);
  return inSession(options, async (session) => {
    const seen = await session.look(list, 'read');
    return list.map((id) => (seen.isAnswered ? checked(session, id, seen.tip(id)) : seen.unconfirmed(id)));
  });
}

/** What is about to be pushed or committed. */
export interface PendingChange {
  /** Branches to which it goes. Default: none. */
  readonly branches?: readonly string[];
  /** Paths of what is changed, relative to the top of the working tree. Default: none. */
  readonly files?: readonly string[];
}

/**
 * Checks every claim that names one of the branches: what a pre-push hook needs. Branches without a claim give no
 * item.
 *
 * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when the remote cannot be asked; else as `claim` does.
 */
export function checkBranches(
  branches: readonly string[],
  options: ClaimsOptions = {},
): Promise<readonly CheckItem[]> {
  return checkChange({ branches }, options);
}

/**
 * Checks every claim that names one of the branches, and the paths that other agents have claimed and that are changed.
 *
 * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when the remote cannot be asked; else as `claim` does.
 */
export async function checkChange(
  change: PendingChange,
  options: ClaimsOptions = {},
): Promise<readonly CheckItem[]> {
  checkOptions(options, CLAIMS_OPTIONS);
  const { branches = [], files = [] } = change;
  if (branches.length === 0 && files.length === 0) return [];
  return inSession(options, async (session) => {
    const { journal } = session.store;
    const wanted = new Set(branches);
    const tips = await session.lookAtAll();
    const seen = new Set(tips.map(({ ref }) => ref));
    // A hold of this clone on a branch counts too: it may have been taken.
    const absent = journal
      .allHeld()
      .filter(
        ({ ref, record }) =>
          record.agent === session.agent && wanted.has(record.branch ?? '') && !seen.has(ref),
      )
      .map(({ ref, record }) => ({ id: record.resource, tip: { kind: 'absent', ref, oid: '' } as const }));
    const concerned = tips
      .filter((tip) => concerns(session, tip, wanted))
      .map((tip) => ({ id: idOf(tip), tip }));
    const items = [...concerned, ...absent].map(({ id, tip }) => checked(session, id, tip));
    return [...items, ...pathItems(session, tips, files)];
  });
}

function pathItems(session: Session, tips: readonly Tip[], files: readonly string[]): CheckItem[] {
  return tips.flatMap((tip): CheckItem[] => {
    if (tip.kind !== 'held') return [];
    const found = files.filter((file) => isInPath(file, tip.record.resource));
    const current = session.claimOf(tip);
    if (found.length === 0 || current.isMine) return [];
    return [{ id: current.id, outcome: 'contended', claim: current, files: found }];
  });
}

function concerns(session: Session, tip: Tip, branches: ReadonlySet<string>): boolean {
  if (tip.kind === 'held' && branches.has(tip.record.branch ?? '')) return true;
  if (tip.kind === 'broken') return tip.record !== undefined && branches.has(tip.record.branch ?? '');
  return session.store.journal
    .allHeld(tip.ref)
    .some(({ record }) => record.agent === session.agent && branches.has(record.branch ?? ''));
}

function checked(session: Session, asked: string, tip: Tip): CheckItem {
  if (tip.kind === 'broken') throw brokenError(asked, tip.problem);
  const current = tip.kind === 'held' ? session.claimOf(tip) : undefined;
  const item = { id: current?.id ?? asked, ...(current && { claim: current }) };
  if (current?.isMine === true) return { ...item, outcome: 'held' };
  if (session.comingClaim(asked) !== undefined)
    return { ...item, outcome: 'unconfirmed', cause: MAY_LAND_YET };
  if (session.lostHolds(asked, current?.holderId).length > 0) return { ...item, outcome: 'lost' };
  return { ...item, outcome: current === undefined ? 'not-held' : 'contended' };
}
