import type { Deadline } from './config.js';
import { isAbortedByHook, isUnsent } from './failures.js';
import type { ObjectId } from './objects.js';
import type { Git } from './plumbing.js';
import { REMOTE_NAME } from './remote.js';

export interface RefUpdate {
  readonly ref: string;
  /** Empty: the branch must not exist. */
  readonly expected: ObjectId;
  /** Empty: the branch is deleted. */
  readonly oid: ObjectId;
}

/**
 * `unknown`: the remote's word did not arrive; the push may land yet. `refused`: it said no, and `unsent`: it was never
 * asked, so the push did not and will not land.
 */
export type PushStatus =
  { readonly kind: 'landed' | 'unknown' | 'unsent' } | { readonly kind: 'refused'; readonly reason: string };

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
  updates: readonly RefUpdate[],
  limits: {
    readonly url: string;
    readonly isAtomic: boolean;
    readonly timeoutMs: number;
    readonly deadline: Deadline;
  },
): Promise<Pushed> {
  const { url, isAtomic, timeoutMs, deadline } = limits;
  const args = ['push', '--porcelain', '--no-verify', '--no-follow-tags', ...(isAtomic ? ['--atomic'] : [])];
  for (const { ref, expected } of updates) args.push(`--force-with-lease=${ref}:${expected}`);
  args.push('--end-of-options', REMOTE_NAME, ...updates.map(({ ref, oid }) => `${oid}:${ref}`));
  const result = await git.run(args, { timeoutMs, signal: deadline.signal });
  return {
    statuses: readPorcelain(
      result.stdout,
      updates,
      result.isTimedOut ? UNKNOWN : silenceOf(url, result.stderr),
    ),
    stderr: result.stderr,
    isTimedOut: result.isTimedOut,
    lacksAtomic: /does not support --atomic/.test(result.stderr),
  };
}

/** The server's answer to the push itself. Over other transports a hook may say that of a push of its own. */
const HTTP_REFUSAL =
  /^(?:error: RPC failed; HTTP 40[13]\b|fatal: (?:could not read (?:Username|Password)|Authentication failed) for )/m;
const UNKNOWN: PushStatus = { kind: 'unknown' };

/** What is to be made of a push that ended by itself, of a branch that it did not report on. */
function silenceOf(url: string, stderr: string): PushStatus {
  if (isUnsent(stderr)) return { kind: 'unsent' };
  if (isAbortedByHook(stderr)) return { kind: 'refused', reason: '[remote rejected] (declined by a hook)' };
  return /^https?:/i.test(url) && HTTP_REFUSAL.test(stderr) ? { kind: 'refused', reason: '' } : UNKNOWN;
}

/** Lines are `FLAG TAB from:to TAB summary (reason)`; see git-push(1), OUTPUT. */
export function readPorcelain(
  stdout: string,
  updates: readonly RefUpdate[],
  silence: PushStatus = UNKNOWN,
): Map<string, PushStatus> {
  const statuses = new Map<string, PushStatus>();
  for (const line of stdout.split('\n')) {
    const match = /^([ +\-*=!])\t([^\t]*)\t(.*)$/.exec(line);
    if (match === null) continue;
    const [, flag, refs, summary] = match as unknown as [string, string, string, string];
    const update = updates.find(({ ref }) => refs.endsWith(`:${ref}`));
    if (update !== undefined) statuses.set(update.ref, statusOf(flag, summary));
  }
  for (const { ref } of updates) if (!statuses.has(ref)) statuses.set(ref, silence);
  return statuses;
}

function statusOf(flag: string, summary: string): PushStatus {
  if (flag === ' ' || flag === '+' || flag === '*' || flag === '-') return { kind: 'landed' };
  // "[remote failure]": the server never reported on this branch. "=": our very commit is there already; look.
  if (flag === '!' && /^\[(?:remote )?rejected\]/.test(summary)) return { kind: 'refused', reason: summary };
  return UNKNOWN;
}
