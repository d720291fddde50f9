import { BOOLEAN, checkOptions, NUMBER, type OptionRule } from '../core/check-options.js';
import { claimOfRef, idOf, pushUpdates, type Tip } from '../backends/git/index.js';
import { gitFailure } from '../process/git/failure.js';
import { CLAIMS_OPTIONS, inSession, type ClaimsOptions } from './session.js';

/** Options of {@link prune}. */
export interface PruneOptions extends ClaimsOptions {
  /** Milliseconds since its release, by the wall clocks of the two, that a claim must have been free. */
  readonly olderThanMs: number;
  /** Whether it only reports. Default `false`. */
  readonly dryRun?: boolean;
}

const PRUNE_OPTIONS = {
  ...CLAIMS_OPTIONS,
  olderThanMs: NUMBER,
  dryRun: BOOLEAN,
} satisfies Record<keyof PruneOptions, OptionRule>;

/** Outcome for one id. */
export interface PrunedItem {
  /** The id. */
  readonly id: string;
  /** `moved`: it was claimed meanwhile, and stays. `failed`: the remote refused to delete it, or gave no answer. */
  readonly outcome: 'pruned' | 'kept' | 'moved' | 'failed';
  /** Why it was kept. Absent otherwise. */
  readonly cause?: string;
}

/** Branches in one push: hosts limit both the length of a request and the updates in it. */
const BATCH = 200;

/**
 * Deletes the branches of claims that were released long ago, with their history. Each is deleted only if it still is as it
 * was seen, so that a claim made meanwhile stays. The next claim of such an id begins above the old token as long as
 * clocks are sane: tokens are not below the wall clock in microseconds.
 *
 * @throws as `list` does; RangeError for a negative age.
 * Not guaranteed: that a push which another clone sent before the branch was first made, and which the remote has not
 * carried out yet, does not land afterwards.
 */
export async function prune(options: PruneOptions): Promise<readonly PrunedItem[]> {
  checkOptions(options, PRUNE_OPTIONS);
  const { olderThanMs, dryRun = false } = options;
  if (!(olderThanMs >= 0)) throw new RangeError(`olderThanMs must not be negative, not ${olderThanMs}.`);
  return inSession(options, async (session) => {
    const nowMs = session.clock.wallNow();
    const old = (await session.lookAtAll()).filter((tip) => isReleasedBefore(tip, nowMs - olderThanMs));
    if (dryRun) return old.map((tip) => ({ id: idOf(tip), outcome: 'kept' as const }));
    const { store } = session;
    const items: PrunedItem[] = [];
    for (let start = 0; start < old.length; start += BATCH) {
      const batch = old.slice(start, start + BATCH);
      const updates = batch.map(({ ref, oid }) => ({ ref, expected: oid, oid: '' }));
      const { deadline, url } = store;
      const limits = { url, isAtomic: false, timeoutMs: deadline.leftMs(), deadline };
      const { statuses, stderr } = await pushUpdates(store.git, updates, limits);
      for (const tip of batch) {
        const status = statuses.get(tip.ref);
        const isStale = status?.kind === 'refused' && /stale info/.test(status.reason);
        if (status?.kind === 'landed') store.note(tip.ref, '');
        items.push({
          id: idOf(tip),
          outcome: status?.kind === 'landed' ? 'pruned' : isStale ? 'moved' : 'failed',
          ...(status?.kind === 'refused' && !isStale && { cause: status.reason }),
          ...(status?.kind !== 'refused' &&
            status?.kind !== 'landed' && { cause: gitFailure(stderr).reason }),
        });
      }
    }
    store.save();
    return items;
  });
}

function isReleasedBefore(tip: Tip, wallMs: number): boolean {
  return tip.kind === 'free' && claimOfRef(tip.ref) !== undefined && Date.parse(tip.record.at) <= wallMs;
}
