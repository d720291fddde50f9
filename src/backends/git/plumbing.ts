import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { backoffDelayMs, type Clock } from '../../core/time.js';
import { sleep } from '../../platform/clock.js';
import type { ExecResult } from '../../process/exec.js';
import { isolatedGitEnvironment, type GitSettings } from '../../process/git/environment.js';
import { runGit } from '../../process/git/run-git.js';
import { CLAIM_REF_PREFIX } from './claim-id.js';
import type { Deadline } from './config.js';
import { readGitFile, tryUnlink } from './files.js';
import type { ObjectId } from './objects.js';
import { RECORD_FILE } from './record.js';
import { REMOTE_NAME } from './remote.js';

const LOCAL_PATIENCE_MS = 20_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** Some ten seconds. */
const LOCKED_TRIES = 16;

/** How git is started in one store. */
export interface GitParts {
  /** The private bare repository. */
  readonly store: string;
  /** Where git would work in the clone: commands and paths of the user's settings are relative to it. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of the clone: how the remote is reached. */
  readonly settings: GitSettings;
  readonly clock: Clock;
  readonly onStart?: (pid: number) => void;
}

export type Fetched = { readonly kind: 'fetched'; readonly tips: ReadonlyMap<string, ObjectId> } | Failed;

export interface Failed {
  readonly kind: 'failed';
  readonly stderr: string;
  readonly isTimedOut: boolean;
}

/** What a tip is made of. `record` is undefined when there is no `lock.json` in it. */
export interface RawTip {
  readonly commit: string | undefined;
  readonly record: string | undefined;
}

/** Git in a private store, with the remote of the clone as its only one. */
export class Git {
  readonly store: string;
  readonly clock: Clock;
  readonly #parts: GitParts;
  readonly #env: NodeJS.ProcessEnv;

  constructor(parts: GitParts) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.#parts = parts;
    this.#env = isolatedGitEnvironment(parts.env, parts.store, parts.settings);
  }

  run(
    args: readonly string[],
    limits: {
      readonly timeoutMs: number;
      readonly signal?: AbortSignal | undefined;
      readonly input?: string;
    },
  ): Promise<ExecResult> {
    const { cwd, clock, onStart } = this.#parts;
    return runGit(args, { ...limits, cwd, env: this.#env, clock, onStart, maxOutputBytes: MAX_OUTPUT_BYTES });
  }

  /**
   * One fetch of the named branches, or of all. Of several names some may be absent, which ends a fetch of exact names with
   * 128: then they are fetched by patterns, which also bring those that begin with them and are left out of the answer.
   */
  async fetchTips(
    refs: readonly string[] | 'all',
    refPrefix: string,
    depth: number,
    deadline: Deadline,
  ): Promise<Fetched> {
    const local = (ref: string): string => refPrefix + ref.slice(CLAIM_REF_PREFIX.length);
    const everything = [allInto(refPrefix)];
    const exact = refs === 'all' ? everything : refs.map((ref) => `+${ref}:${local(ref)}`);
    let result = await this.#fetch(exact, depth, deadline);
    if (refs !== 'all' && isAbsent(result.stderr)) {
      if (refs.length === 1) return { kind: 'fetched', tips: new Map() };
      const patterns = refs.map((ref) => `+${ref}*:${local(ref)}*`);
      result = await this.#fetch(patterns, depth, deadline);
    }
    const text = readGitFile(this.#fetchHead) ?? '';
    // With --depth, a pattern that matches nothing ends with 1 and without a message.
    const isEmpty = result.code === 1 && text === '' && !/^(?:fatal|error)/m.test(result.stderr);
    if ((result.code !== 0 && !isEmpty) || result.isTimedOut) return failed(result);
    const wanted = refs === 'all' ? undefined : new Set(refs);
    const tips = new Map<string, ObjectId>();
    // FETCH_HEAD is what the remote answered in this very fetch, without another process to read the refs.
    for (const [, oid, branch] of text.matchAll(/^([0-9a-f]{40,64})\t[^\t]*\tbranch '(.+?)' of /gm)) {
      const ref = `refs/heads/${branch}`;
      if (wanted === undefined || wanted.has(ref)) tips.set(ref, oid as ObjectId);
    }
    return { kind: 'fetched', tips };
  }

  /**
   * Brings the objects of all tips and notes no branches: git is slow to make thousands. That `--dry-run` leaves the objects
   * behind is git's habit, no promise; whether they came is for the caller to find out. undefined when it ended well.
   */
  async fetchObjects(refPrefix: string, deadline: Deadline): Promise<Failed | undefined> {
    const result = await this.#fetch([allInto(refPrefix)], 1, deadline, ['--dry-run']);
    return result.code === 0 && !result.isTimedOut ? undefined : failed(result);
  }

  /** Which of these objects are not in the store. */
  async absentObjects(oids: readonly ObjectId[]): Promise<ReadonlySet<ObjectId>> {
    const input = oids.map((oid) => `${oid}\n`).join('');
    const args = ['cat-file', '--batch-check=%(objectname)', '--buffer'];
    const result = await this.run(args, { timeoutMs: LOCAL_PATIENCE_MS, input });
    const found = new Set(result.stdout.split('\n'));
    return new Set(oids.filter((oid) => !found.has(oid)));
  }

  get #fetchHead(): string {
    return join(this.store, 'FETCH_HEAD');
  }

  async #fetch(
    refspecs: readonly string[],
    depth: number,
    deadline: Deadline,
    options: readonly string[] = [],
  ): Promise<ExecResult> {
    const fetch = (depthArgs: readonly string[]): Promise<ExecResult> => {
      tryUnlink(this.#fetchHead);
      const args = ['fetch', '--quiet', '--no-tags', '--no-auto-gc', '--prune', ...options, ...depthArgs];
      return this.run([...args, '--end-of-options', REMOTE_NAME, ...refspecs], {
        timeoutMs: deadline.leftMs(),
        signal: deadline.signal,
      });
    };
    for (let tries = 1; ; tries++) {
      const result = await fetch([`--depth=${depth}`]);
      if (/does not support shallow/.test(result.stderr)) return fetch([]);
      // A git whose command was killed before it was noted may be at work here: its lock files go with it.
      const isLocked = result.code !== 0 && /\.lock': File exists/.test(result.stderr);
      if (!isLocked || tries === LOCKED_TRIES || deadline.leftMs() === 0) return result;
      await sleep(Math.min(backoffDelayMs(tries), deadline.leftMs()), deadline.signal);
    }
  }

  /** Reads commits and their `lock.json`, all in one process. undefined when the store is damaged. */
  async readCommits(oids: readonly ObjectId[]): Promise<ReadonlyMap<ObjectId, RawTip> | undefined> {
    // Announced sizes count bytes and the output is text by now; a random name that git calls missing is the divider.
    const divider = `holdfast-${randomBytes(12).toString('hex')}`;
    const input = oids.map((oid) => `${oid}\n${divider}\n${oid}:${RECORD_FILE}\n${divider}\n`).join('');
    const result = await this.run(['cat-file', '--batch', '--buffer'], {
      timeoutMs: LOCAL_PATIENCE_MS,
      input,
    });
    if (result.code !== 0 || result.isTruncated) return undefined;
    const parts = result.stdout.split(`${divider} missing\n`);
    // An answer that was cut off says nothing of what is missing from it.
    if (parts.length !== 2 * oids.length + 1 || parts.at(-1) !== '') return undefined;
    const tips = new Map<ObjectId, RawTip>();
    for (const [index, oid] of oids.entries()) {
      const commit = parts[2 * index];
      // A tip that is not there at all: the fetch reported that it is.
      if (commit === undefined || commit === `${oid} missing\n`) return undefined;
      tips.set(oid, { commit: contentOf(commit, 'commit'), record: contentOf(parts[2 * index + 1], 'blob') });
    }
    return tips;
  }

  /** A commit and its ancestors, the latest first, as far as they were fetched. */
  async listCommits(tip: ObjectId, limit: number): Promise<readonly ObjectId[]> {
    const args = ['rev-list', '--first-parent', `--max-count=${limit}`, '--end-of-options', tip];
    const result = await this.run(args, { timeoutMs: LOCAL_PATIENCE_MS });
    return result.stdout.split('\n').filter((line) => line !== '');
  }

  /** Lists the branches of claims and fetches nothing. */
  async listTips(deadline: Deadline): Promise<Fetched> {
    return this.#list([`${CLAIM_REF_PREFIX}*`], REMOTE_NAME, deadline);
  }

  /** Some branches, likewise; `from`: a remote other than the one that is read from. undefined without an answer. */
  async listRemote(
    refs: readonly string[] | 'all',
    deadline: Deadline,
    from = REMOTE_NAME,
  ): Promise<ReadonlyMap<string, ObjectId> | undefined> {
    const listed = await this.#list(refs === 'all' ? [`${CLAIM_REF_PREFIX}*`] : refs, from, deadline);
    return listed.kind === 'fetched' ? listed.tips : undefined;
  }

  async #list(patterns: readonly string[], from: string, deadline: Deadline): Promise<Fetched> {
    const args = ['ls-remote', '--heads', '--refs', '--end-of-options', from, ...patterns];
    const result = await this.run(args, { timeoutMs: deadline.leftMs(), signal: deadline.signal });
    if (result.code !== 0 || result.isTimedOut) return failed(result);
    const tips = new Map<string, ObjectId>();
    for (const line of result.stdout.split('\n')) {
      const [oid = '', ref = ''] = line.split('\t');
      // A pattern also matches at the end of longer names.
      if (ref.startsWith(CLAIM_REF_PREFIX)) tips.set(ref, oid);
    }
    return { kind: 'fetched', tips };
  }

  /** The heads of branches that are no claims, by name. Empty without an answer. */
  async listBranches(names: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, ObjectId>> {
    const refs = names.map((name) => `refs/heads/${name}`);
    const args = ['ls-remote', '--heads', '--refs', '--end-of-options', REMOTE_NAME, ...refs];
    const { code, stdout } = await this.run(args, { timeoutMs: deadline.leftMs(), signal: deadline.signal });
    const lines = code === 0 ? stdout.matchAll(/^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/gm) : [];
    return new Map([...lines].map(([, oid = '', name = '']) => [name, oid]));
  }

  /** The tip of one branch: '' when it is absent, undefined without an answer. */
  async remoteTip(ref: string, deadline: Deadline): Promise<ObjectId | undefined> {
    const found = await this.listRemote([ref], deadline);
    return found && (found.get(ref) ?? '');
  }
}

/** Whether a fetch of exact names ended because the remote has not got one of them. */
function isAbsent(stderr: string): boolean {
  return /^fatal: couldn't find remote ref refs\/heads\//im.test(stderr);
}

function allInto(refPrefix: string): string {
  return `+${CLAIM_REF_PREFIX}*:${refPrefix}*`;
}

function failed({ stderr, isTimedOut }: ExecResult): Failed {
  return { kind: 'failed', stderr, isTimedOut };
}

function contentOf(part: string | undefined, type: string): string | undefined {
  const end = part?.indexOf('\n') ?? -1;
  if (part === undefined || end < 0 || part.slice(0, end).split(' ')[1] !== type) return undefined;
  return part.slice(end + 1, -1);
}
