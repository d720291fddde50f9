import { formatDuration } from '../core/duration.js';
import { newHolderId } from '../core/holder.js';
import {
  claimOfRef,
  forcedChange,
  isHeldEvent,
  publish,
  type ClaimStore,
  type Tip,
} from '../backends/git/index.js';
import { brokenClaim, lookAtAll } from './list.js';
import { openSession, type ClaimsOptions, type Session } from './session.js';
import { claimOf } from './view.js';

export interface RepairOptions extends ClaimsOptions {
  /** End what was found, each with an event that says so. Default: report only. */
  readonly repair?: boolean;
}

export interface Finding {
  readonly id: string;
  /** `stale`: its agent has been silent too long. `broken`: nobody can hold it. `newer`: a newer version may. */
  readonly kind: 'stale' | 'broken' | 'newer';
  readonly problem: string;
  readonly agent?: string;
  /** `kept`: not asked to, or not ours to end. `moved`: somebody did something about it meanwhile. */
  readonly outcome: 'kept' | 'ended' | 'moved' | 'unconfirmed' | 'failed';
}

/**
 * Finds claims that no live agent holds and records that cannot be relied upon; asked to, ends them with a `forced`
 * event in this agent's name. Records of a newer version are left alone.
 *
 * @throws as `list` does.
 */
export async function repair(options: RepairOptions = {}): Promise<readonly Finding[]> {
  const session = await openSession(options);
  return session.use(async (store) => {
    const tips = await lookAtAll(store, session);
    const found = tips.flatMap((tip) => {
      const finding = examine(store, session, tip);
      return finding === undefined ? [] : [{ tip, finding }];
    });
    if (options.repair !== true) return found.map(({ finding }) => finding);
    return end(store, session, found);
  });
}

function examine(store: ClaimStore, session: Session, tip: Tip): Finding | undefined {
  if (tip.kind === 'broken') {
    const { id, problem, isNewer } = brokenClaim(tip);
    return { id, kind: isNewer ? 'newer' : 'broken', problem, outcome: 'kept' };
  }
  if (tip.kind !== 'held') return undefined;
  const claim = claimOf(store, session, tip);
  if (!claim.isStale) return undefined;
  const problem = `unchanged for ${formatDuration(claim.unchangedMs)}`;
  return { id: claim.id, kind: 'stale', problem, agent: claim.agent, outcome: 'kept' };
}

async function end(
  store: ClaimStore,
  session: Session,
  found: readonly { readonly tip: Tip; readonly finding: Finding }[],
): Promise<readonly Finding[]> {
  // A branch without a claim's name cannot take an event that names it.
  const endable = found.filter(
    ({ tip, finding }) => finding.kind !== 'newer' && claimOfRef(tip.ref) !== undefined,
  );
  const changes = endable.map(({ tip, finding }) => {
    const by = {
      agent: session.agent,
      holderId: newHolderId(),
      reason: `repair: ${finding.problem}`.slice(0, 1_000),
    };
    return forcedChange(finding.id, tip, by, session.clock.wallNow());
  });
  const outcomes = await publish(store, changes, false, session.deadline);
  return found.map(({ tip, finding }) => {
    const outcome = outcomes.get(tip.ref);
    if (outcome === undefined) return finding;
    const names = {
      landed: 'ended',
      moved: 'moved',
      spared: 'kept',
      unconfirmed: 'unconfirmed',
      failed: 'failed',
    } as const;
    // An earlier steal of this clone may be what landed.
    const isOther = outcome.kind === 'landed' && isHeldEvent(outcome.attempted.record.event);
    return { ...finding, outcome: isOther ? 'moved' : names[outcome.kind] };
  });
}
