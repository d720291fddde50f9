import { idOf } from '../backends/git/index.js';
import { listed, lookAtAll, type ClaimList } from './list.js';
import { openSession, type ClaimsOptions } from './session.js';

export interface SyncResult extends ClaimList {
  /** Ids whose earlier pushes had no answer, and what became of them. */
  readonly settled: readonly { readonly id: string; readonly outcome: 'landed' | 'void' | 'unconfirmed' }[];
}

/**
 * Looks at all claims and settles what earlier commands had to leave unconfirmed. Looking is also what makes
 * staleness visible: a claim counts as stale once a clone has seen it unchanged long enough.
 *
 * @throws as `list` does.
 */
export async function sync(options: ClaimsOptions = {}): Promise<SyncResult> {
  const session = await openSession(options);
  return session.use(async (store) => {
    const before = store.journal.pendingRefs().map((ref) => ({ ref, pending: store.journal.pending(ref) }));
    const tips = await lookAtAll(store, session);
    // A branch that is not there does not show in a look at all of them.
    const absent = before.filter(({ ref }) => !tips.some((tip) => tip.ref === ref)).map(idOf);
    if (absent.length > 0) await store.look(absent, session.deadline);
    const settled = before.map(({ ref, pending }) => {
      const tip = tips.find((candidate) => candidate.ref === ref);
      if (store.journal.pending(ref) !== undefined)
        return { id: idOf({ ref }), outcome: 'unconfirmed' as const };
      const isLanded = pending?.tries.some(({ oid }) => oid === tip?.oid) ?? false;
      return { id: idOf({ ref }), outcome: isLanded ? ('landed' as const) : ('void' as const) };
    });
    return { ...listed(store, session, tips), settled };
  });
}
