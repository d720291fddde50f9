import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../../core/time.js';
import { LockError } from '../../core/errors.js';
import { execFile, type ExecResult } from '../../process/exec.js';
import { CLAIM_REF_PREFIX } from './claim-id.js';
import type { Deadline } from './deadline.js';
import { tryUnlink } from './files.js';
import type { ObjectId } from './objects.js';
import { RECORD_FILE } from './record.js';

const LOCAL_PATIENCE_MS = 20_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** How git is started in one store. */
export interface Git {
  readonly store: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export interface GitRun {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly input?: string;
}

export async function runGit(git: Git, args: readonly string[], run: GitRun): Promise<ExecResult> {
  try {
    return await execFile('git', args, {
      cwd: git.store,
      env: git.env,
      timeoutMs: run.timeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      clock: git.clock,
      ...(run.input === undefined ? {} : { input: run.input }),
      ...(run.signal === undefined ? {} : { signal: run.signal }),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noGitError(error);
    throw error;
  }
}

export function noGitError(cause: unknown): LockError {
  return new LockError('Could not run "git": the program was not found. Install git 2.30 or later.', {
    code: 'HOLDFAST_BACKEND_UNAVAILABLE',
    cause,
  });
}

export type Fetched =
  | { readonly kind: 'fetched'; readonly tips: ReadonlyMap<string, ObjectId> }
  | { readonly kind: 'failed'; readonly stderr: string; readonly isTimedOut: boolean };

/**
 * One fetch of the named branches, or of all. Always by pattern: an exact name that is absent ends the whole fetch
 * with 128. The pattern of one id also brings those that begin with it; they are left out of the answer.
 */
export async function fetchTips(
  git: Git,
  url: string,
  options: { readonly refs: readonly string[] | 'all'; readonly refPrefix: string; readonly depth: number },
  deadline: Deadline,
): Promise<Fetched> {
  const { refs, refPrefix, depth } = options;
  const patterns = refs === 'all' ? [''] : refs.map((ref) => ref.slice(CLAIM_REF_PREFIX.length));
  const refspecs = patterns.map((name) => `+${CLAIM_REF_PREFIX}${name}*:${refPrefix}${name}*`);
  const fetchHead = join(git.store, 'FETCH_HEAD');
  tryUnlink(fetchHead);
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-auto-gc',
    '--prune',
    `--depth=${depth}`,
    '--end-of-options',
    url,
  ];
  const result = await runGit(git, [...args, ...refspecs], {
    timeoutMs: deadline.leftMs(),
    signal: deadline.signal,
  });
  const text = readIfThere(fetchHead);
  // With --depth, a pattern that matches nothing ends with 1 and without a word.
  const isEmpty = result.code === 1 && text === '' && !/^(?:fatal|error)/m.test(result.stderr);
  if ((result.code !== 0 && !isEmpty) || result.isTimedOut) {
    return { kind: 'failed', stderr: result.stderr, isTimedOut: result.isTimedOut };
  }
  const wanted = refs === 'all' ? undefined : new Set(refs);
  const tips = new Map<string, ObjectId>();
  // FETCH_HEAD is what the remote said in this very fetch, without another process to read the refs.
  for (const [, oid, branch] of text.matchAll(/^([0-9a-f]{40,64})\t[^\t]*\tbranch '(.+?)' of /gm)) {
    const ref = `refs/heads/${branch}`;
    if (wanted === undefined || wanted.has(ref)) tips.set(ref, oid as ObjectId);
  }
  return { kind: 'fetched', tips };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What a tip is made of. `record` is undefined when there is no `lock.json` in it. */
export interface RawTip {
  readonly commit: string | undefined;
  readonly record: string | undefined;
}

/** Reads commits and their `lock.json`, all in one process. undefined when the store is damaged. */
export async function readCommits(
  git: Git,
  oids: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, RawTip> | undefined> {
  // Announced sizes count bytes and the output is text by now; a random name that git calls missing is the divider.
  const divider = `holdfast-${randomBytes(12).toString('hex')}`;
  const input = oids.map((oid) => `${oid}\n${divider}\n${oid}:${RECORD_FILE}\n${divider}\n`).join('');
  const result = await runGit(git, ['cat-file', '--batch'], { timeoutMs: LOCAL_PATIENCE_MS, input });
  if (result.code !== 0 || result.isTruncated) return undefined;
  const parts = result.stdout.split(`${divider} missing\n`);
  const tips = new Map<ObjectId, RawTip>();
  for (const [index, oid] of oids.entries()) {
    const commit = parts[2 * index];
    // A tip that is not there at all: the fetch said that it is.
    if (commit === undefined || commit === `${oid} missing\n`) return undefined;
    tips.set(oid, { commit: contentOf(commit, 'commit'), record: contentOf(parts[2 * index + 1], 'blob') });
  }
  return tips;
}

function contentOf(part: string | undefined, type: string): string | undefined {
  const end = part?.indexOf('\n') ?? -1;
  if (part === undefined || end < 0 || part.slice(0, end).split(' ')[1] !== type) return undefined;
  return part.slice(end + 1, -1);
}

/** A commit and its ancestors, the latest first, as far as they were fetched. */
export async function listCommits(git: Git, tip: ObjectId, limit: number): Promise<readonly ObjectId[]> {
  const args = ['rev-list', '--first-parent', `--max-count=${limit}`, '--end-of-options', tip];
  const result = await runGit(git, args, { timeoutMs: LOCAL_PATIENCE_MS });
  return result.stdout.split('\n').filter((line) => line !== '');
}

/** Asks for one tip and fetches nothing: '' when the branch is absent, undefined without an answer. */
export async function remoteTip(
  git: Git,
  url: string,
  ref: string,
  deadline: Deadline,
): Promise<ObjectId | undefined> {
  const args = ['ls-remote', '--refs', '--end-of-options', url, ref];
  const result = await runGit(git, args, { timeoutMs: deadline.leftMs(), signal: deadline.signal });
  if (result.code !== 0 || result.isTimedOut) return undefined;
  const line = result.stdout.split('\n').find((candidate) => candidate.endsWith(`\t${ref}`));
  return line === undefined ? '' : line.slice(0, line.indexOf('\t'));
}
