import type { RecordedTip, Tip } from '../backends/git/index.js';
import { ownGitEnvironment } from '../process/git/environment.js';
import { runGit } from '../process/git/run-git.js';
import type { ProgressClock } from './progress.js';
import type { Session } from './session.js';

const PATIENCE_MS = 10_000;
/** Of the keys of the first-seen table that are heads of branches. */
const BRANCH_KEY = 'branch:';

/**
 * Commits that were pushed to the branches of claims which would be marked as quiet, by the ref of the claim: one
 * `ls-remote` where there are such claims. A holder that does not renew has not published them itself.
 */
export async function pushedProgress(
  session: Session,
  tips: readonly Tip[],
): Promise<ReadonlyMap<string, ProgressClock>> {
  const quiet = tips.filter(
    (tip): tip is RecordedTip =>
      tip.kind === 'held' && tip.record.branch !== undefined && session.claimOf(tip).isQuiet,
  );
  if (quiet.length === 0) return new Map();
  const { git, deadline, firstSeen } = session.store;
  const branches = [...new Set(quiet.map(({ record }) => record.branch as string))];
  const heads = await git.listBranches(branches, deadline);
  const moved = quiet.flatMap(({ ref, record }) => {
    const head = heads.get(record.branch as string);
    return head === undefined || head === record.head ? [] : [{ ref, head, key: BRANCH_KEY + record.branch }];
  });
  firstSeen.retain(new Set(moved.map(({ key }) => key)), BRANCH_KEY);
  const dates = await commitDates(
    session,
    moved.map(({ head }) => head),
  );
  const wallMs = session.clock.wallNow();
  const found = new Map<string, ProgressClock>();
  for (const { ref, head, key } of moved) {
    firstSeen.note(key, head);
    const seenMs = firstSeen.unchangedMs(key, head);
    const agoMs = Math.max(seenMs, wallMs - (dates.get(head) ?? wallMs), 0);
    found.set(ref, { at: new Date(wallMs - agoMs).toISOString(), agoMs, by: 'commit' });
  }
  session.store.save();
  return found;
}

/** Of those that this clone has: of another commit it is only known since when its branch was seen there. */
async function commitDates(
  { arbiter }: Session,
  oids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { cwd, env, repository, entries } = arbiter;
  // In a partial clone git would fetch what is missing.
  const isPartial = entries.some(({ key }) => /^remote\..*\.promisor$/.test(key));
  if (oids.length === 0 || repository === undefined || isPartial) return new Map();
  const args = ['log', '--no-walk', '--ignore-missing', '--format=%H %ct', '--end-of-options', ...oids];
  const result = await runGit(args, { cwd, env: ownGitEnvironment(env), timeoutMs: PATIENCE_MS });
  const lines = result.code === 0 ? result.stdout.matchAll(/^([0-9a-f]{40,64}) (\d+)$/gm) : [];
  return new Map([...lines].map(([, oid = '', seconds = '']) => [oid, Number(seconds) * 1_000]));
}
