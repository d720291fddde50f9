import type { Arbiter, ClaimRecord, ProgressKind } from '../backends/git/index.js';
import { ownGitEnvironment } from '../process/git/environment.js';
import { runGit } from '../process/git/run-git.js';

/** A claim that is alive makes no progress for this long: it is marked as quiet. */
export const DEFAULT_QUIET_AFTER_MS = 30 * 60_000;

const PATIENCE_MS = 10_000;

/** One clock of a claim, for display. */
export interface ClaimClock {
  /** Wall clock of the holder, ISO 8601. */
  readonly at: string;
  /**
   * Milliseconds since then: by the wall clock of this machine, and never less than this clone has seen itself. A wrong
   * clock misleads a display; it decides nothing.
   */
  readonly agoMs: number;
}

/** Of the last progress: the claim itself, a note, or a commit on the branch. */
export interface ProgressClock extends ClaimClock {
  /** What the progress was. */
  readonly by: ProgressKind | 'claim';
}

/** The two clocks of a claim: that a process renewed it, and that its agent got somewhere. */
export function clocksOf(
  record: ClaimRecord,
  unchangedMs: number,
  wallMs: number,
): { readonly alive: ClaimClock; readonly progress: ProgressClock } {
  const agoMs = (at: string, seenMs: number): number =>
    Math.max(seenMs, wallMs - (Date.parse(at) || wallMs), 0);
  const at = record.progressAt ?? record.sinceAt;
  // Both are times of the holder's own clock: how far they are apart holds whatever that clock shows.
  const apartMs = Math.max(0, Date.parse(record.at) - Date.parse(at) || 0);
  const by = record.progressAt === undefined ? 'claim' : record.progressBy === 'commit' ? 'commit' : 'note';
  return {
    alive: { at: record.at, agoMs: agoMs(record.at, unchangedMs) },
    progress: { at, agoMs: agoMs(at, apartMs + unchangedMs), by },
  };
}

/** The head commits of branches of this clone, by name; branches that it has not got are left out. One process, or none. */
export async function headsOf(
  { cwd, env, repository }: Arbiter,
  branches: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, string>> {
  const refs = [...new Set(branches)].flatMap((branch) =>
    branch === undefined ? [] : [`refs/heads/${branch}`],
  );
  if (refs.length === 0 || repository === undefined) return new Map();
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', '--', ...refs];
  const result = await runGit(args, { cwd, env: ownGitEnvironment(env), timeoutMs: PATIENCE_MS });
  const lines = result.code === 0 ? result.stdout.matchAll(/^([0-9a-f]{40,64}) refs\/heads\/(.+)$/gm) : [];
  return new Map([...lines].map(([, oid = '', branch = '']) => [branch, oid]));
}
