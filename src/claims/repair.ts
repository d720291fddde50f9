import { BOOLEAN, checkOptions, type OptionRule } from '../core/check-options.js';
import { claimOfRef, forcedChange, type Outcome, type Tip } from '../backends/git/index.js';
import { formatDuration } from '../core/duration.js';
import { newHolderId } from '../core/holder.js';
import { brokenClaim } from './list.js';
import { CLAIMS_OPTIONS, inSession, type ClaimsOptions, type Session } from './session.js';

/** Options of {@link repair}. */
export interface RepairOptions extends ClaimsOptions {
  /** End what was found, each with an event that records it. Default: report only. */
  readonly repair?: boolean;
}

const REPAIR_OPTIONS = {
  ...CLAIMS_OPTIONS,
  repair: BOOLEAN,
} satisfies Record<keyof RepairOptions, OptionRule>;

/** A record that was repaired, or could be. */
export interface Finding {
  /** The id. */
  readonly id: string;
  /** `stale`: its agent has been silent too long. `broken`: it cannot be held. `newer`: a newer version may. */
  readonly kind: 'stale' | 'broken' | 'newer';
  /** What is wrong with the record. */
  readonly problem: string;
  /** Agent named by the record. Absent where it names none. */
  readonly agent?: string;
  /** `kept`: not asked to, or not ours to end. `moved`: it changed meanwhile. */
  readonly outcome: 'kept' | 'ended' | 'moved' | 'unconfirmed' | 'failed';
}

/**
 * Finds claims that no live agent holds and records that cannot be relied upon; asked to, ends them with a `forced`
 * event in this agent's name. Records of a newer version are left alone.
 *
 * @throws as `list` does.
 */
export async function repair(options: RepairOptions = {}): Promise<readonly Finding[]> {
  checkOptions(options, REPAIR_OPTIONS);
  return inSession(options, async (session) => {
    const found = (await session.lookAtAll()).flatMap((tip) => {
      const finding = examine(session, tip);
      return finding === undefined ? [] : [{ tip, finding }];
    });
    return options.repair === true ? end(session, found) : found.map(({ finding }) => finding);
  });
}

function examine(session: Session, tip: Tip): Finding | undefined {
  if (tip.kind === 'broken') {
    const { id, problem, isNewer } = brokenClaim(tip);
    return { id, kind: isNewer ? 'newer' : 'broken', problem, outcome: 'kept' };
  }
  if (tip.kind !== 'held') return undefined;
  const claim = session.claimOf(tip);
  if (!claim.isStale) return undefined;
  const problem = `unchanged for ${formatDuration(claim.unchangedMs)}`;
  return { id: claim.id, kind: 'stale', problem, agent: claim.agent, outcome: 'kept' };
}

const NAMES: Readonly<Record<Outcome['kind'], Finding['outcome']>> = {
  landed: 'ended',
  moved: 'moved',
  skipped: 'kept',
  unconfirmed: 'unconfirmed',
  failed: 'failed',
};

async function end(
  session: Session,
  found: readonly { readonly tip: Tip; readonly finding: Finding }[],
): Promise<readonly Finding[]> {
  // A branch without a claim's name cannot take an event that names it.
  const endable = found.flatMap(({ tip, finding }) => {
    const id = claimOfRef(tip.ref);
    return finding.kind === 'newer' || id === undefined ? [] : [{ id, tip, finding }];
  });
  const changes = endable.map(({ id, tip, finding }) => {
    const reason = `repair: ${finding.problem}`.slice(0, 1_000);
    const by = { agent: session.agent, holderId: newHolderId(), reason };
    return forcedChange(id, tip, by, session.clock.wallNow());
  });
  const outcomes = await session.publish(changes);
  return found.map(({ tip, finding }) => {
    const outcome = outcomes.get(tip.ref);
    return outcome === undefined ? finding : { ...finding, outcome: NAMES[outcome.kind] };
  });
}
