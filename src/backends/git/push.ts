import type { Deadline } from './deadline.js';
import type { ObjectId } from './objects.js';
import { runGit, type Git } from './plumbing.js';

export interface RefUpdate {
  readonly ref: string;
  /** Empty: the branch must not exist. */
  readonly expected: ObjectId;
  readonly oid: ObjectId;
}

/** `unknown`: the remote's word did not arrive. `refused`: it said no, so the push did not and will not land. */
export type PushStatus =
  | { readonly kind: 'landed' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' };

export interface Pushed {
  readonly statuses: ReadonlyMap<string, PushStatus>;
  readonly stderr: string;
  readonly isTimedOut: boolean;
  /** The remote cannot take several branches as one. */
  readonly lacksAtomic: boolean;
}

/** One push: each branch moves only from its expected tip. `isAtomic`: all or none. */
export async function pushUpdates(
  git: Git,
  url: string,
  updates: readonly RefUpdate[],
  isAtomic: boolean,
  timeoutMs: number,
  deadline: Deadline,
): Promise<Pushed> {
  const args = ['push', '--porcelain', '--no-verify', '--no-follow-tags', ...(isAtomic ? ['--atomic'] : [])];
  for (const { ref, expected } of updates) args.push(`--force-with-lease=${ref}:${expected}`);
  args.push('--end-of-options', url, ...updates.map(({ ref, oid }) => `${oid}:${ref}`));
  const result = await runGit(git, args, { timeoutMs, signal: deadline.signal });
  return {
    statuses: readPorcelain(result.stdout, updates),
    stderr: result.stderr,
    isTimedOut: result.isTimedOut,
    lacksAtomic: /does not support --atomic/.test(result.stderr),
  };
}

/** Lines are `FLAG TAB from:to TAB summary (reason)`; see git-push(1), OUTPUT. */
export function readPorcelain(stdout: string, updates: readonly RefUpdate[]): Map<string, PushStatus> {
  const statuses = new Map<string, PushStatus>();
  for (const line of stdout.split('\n')) {
    const match = /^([ +\-*=!])\t([^\t]*)\t(.*)$/.exec(line);
    if (match === null) continue;
    const [, flag, refs, summary] = match as unknown as [string, string, string, string];
    const update = updates.find(({ ref }) => refs.endsWith(`:${ref}`));
    if (update !== undefined) statuses.set(update.ref, statusOf(flag, summary));
  }
  for (const { ref } of updates) if (!statuses.has(ref)) statuses.set(ref, { kind: 'unknown' });
  return statuses;
}

function statusOf(flag: string, summary: string): PushStatus {
  if (flag === ' ' || flag === '+' || flag === '*') return { kind: 'landed' };
  // "[remote failure]": the server never reported on this branch. "=": somebody has our very commit there; look.
  if (flag === '!' && /^\[(?:remote )?rejected\]/.test(summary)) return { kind: 'refused', reason: summary };
  return { kind: 'unknown' };
}
