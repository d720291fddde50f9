import type { LockError } from '../../core/errors.js';
import { FirstSeen, type Timeline } from '../../platform/first-seen.js';
import { gitFailure } from '../../process/git/failure.js';
import { CLAIM_REF_PREFIX, refOfClaim } from './claim-id.js';
import type { GitConfigEntry } from './configuration.js';
import type { Deadline } from './config.js';
import { EventWriter } from './event-writer.js';
import {
  apartError,
  isOtherFormat,
  isStoreDamaged,
  permissionError,
  unavailableError,
  unconfirmedError,
} from './failures.js';
import { readState, replaceText } from './files.js';
import { Journal } from './journal.js';
import type { ObjectId } from './objects.js';
import { contentsOf, expectsMany, fetchMany, MANY_TIPS, packRefs } from './many.js';
import type { Fetched, Git } from './plumbing.js';
import { isHeldEvent, type ClaimEvent, type ClaimRecord } from './record.js';
import { decodePathIndex, NO_PATH_INDEX, PATH_INDEX_REF, type PathIndex } from './path-index.js';
import { Proof } from './proof.js';
import { ARBITER_NAME, type Remote } from './remote.js';
import type { Signing } from './signing.js';
import { resetStore, type StorePaths } from './store.js';
import { absentTip, readTip, type Tip } from './tip.js';
import { TipCache } from './tip-cache.js';

/** What the remote reported, or why it could not be asked. */
export type Look =
  | {
      readonly kind: 'seen';
      readonly tips: ReadonlyMap<string, Tip>;
      /** Of a look at all claims. */
      readonly pathIndex?: PathIndexLook;
    }
  | Unreachable;

/** The index as it was fetched. Read only for path claims: to the others it is of no concern whether it can be. */
export interface PathIndexLook {
  readonly oid: ObjectId;
  read(): PathIndex;
}

interface Unreachable {
  readonly kind: 'unreachable';
  readonly cause: string;
}

/** One event of a claim's past. */
export interface PastEvent {
  readonly oid: ObjectId;
  readonly record: ClaimRecord | undefined;
  readonly problem: string | undefined;
}

/** The remote has the other kind of ids than this store: thrown before anything is published. */
export class OtherFormat extends Error {}

export interface ClaimStoreParts {
  readonly git: Git;
  readonly remote: Remote;
  readonly paths: StorePaths;
  readonly placeId: string;
  readonly entries: readonly GitConfigEntry[];
  readonly signing: Signing;
  readonly timeline: Timeline;
  readonly deadline: Deadline;
}

const NONE = { commit: undefined, record: undefined };

/** One clone's view of one remote's claims. Lives while the local lock is held, and as long as one call. */
export class ClaimStore {
  readonly git: Git;
  /** The arbiter's. May contain credentials: never print it. */
  readonly url: string;
  readonly entries: readonly GitConfigEntry[];
  readonly journal: Journal;
  /** Which tip of a branch this clone has seen since when. */
  readonly firstSeen: FirstSeen;
  readonly deadline: Deadline;
  /** Writes what is to be pushed. */
  readonly writer: EventWriter;
  readonly #parts: ClaimStoreParts;
  #cache: TipCache;
  readonly #proof: Proof;

  constructor(parts: ClaimStoreParts) {
    const { git, remote, paths, entries, deadline } = parts;
    this.git = git;
    this.url = remote.pushUrl;
    this.entries = entries;
    this.deadline = deadline;
    this.journal = new Journal(paths, parts.placeId);
    this.firstSeen = new FirstSeen(parts.timeline, readState(paths.firstSeen));
    this.#parts = parts;
    this.writer = new EventWriter(paths, parts.signing, entries, git.clock);
    this.#cache = new TipCache(paths.tips);
    this.#proof = new Proof(remote, paths.proven);
  }

  /** Whether what is pushed is known to appear where claims are read. */
  get isProven(): boolean {
    return this.#proof.isProven;
  }

  /** Called once an own event was pushed and has been read again. */
  prove(): void {
    this.#proof.prove();
  }

  /**
   * Asks the remote about some claims, or all: one fetch, and one process to read what came.
   *
   * @throws LockError HOLDFAST_PERMISSION when the remote refuses to be read, HOLDFAST_CONFIG_MISMATCH when the arbiter has
   *   other claims than the place where they are read.
   */
  async look(ids: readonly string[] | 'all'): Promise<Look> {
    const refs = ids === 'all' ? ids : ids.map(refOfClaim);
    for (let isRetry = false; ; isRetry = true) {
      const fetched = await (refs === 'all' ? this.#fetchAll() : this.#fetch(refs, 1));
      if (fetched.kind === 'failed') {
        if (isOtherFormat(fetched.stderr)) throw new OtherFormat();
        const isMissing = gitFailure(fetched.stderr).kind === 'missing';
        if (!isRetry && isStoreDamaged(fetched.stderr) && !isMissing) {
          this.#reset();
          continue;
        }
        return this.#unreachable(fetched, ids);
      }
      if (!this.isProven && !(await this.#isLikeArbiter(refs, fetched.tips))) {
        if (!isRetry) continue;
        throw this.apart(ids);
      }
      const read = await this.#read(fetched.tips);
      if (read !== undefined) {
        const { pathIndex, tips } = read;
        return { kind: 'seen', tips: this.#noted(refs, tips), ...(refs === 'all' && { pathIndex }) };
      }
      if (isRetry) return { kind: 'unreachable', cause: 'what it sent could not be read' };
      this.#reset();
    }
  }

  /** What to throw when what was pushed cannot be read. */
  apart(ids: readonly string[] | 'all'): LockError {
    const { fetchUrl, pushUrl } = this.#parts.remote;
    return apartError(labelOf(ids), fetchUrl, pushUrl);
  }

  /** What to throw when a look was in vain and no push of this clone may stand. */
  unreachable(task: ClaimEvent | 'read', ids: readonly string[] | 'all', cause: string): LockError {
    const isPending = ids !== 'all' && ids.some((id) => this.journal.pending(refOfClaim(id)) !== undefined);
    return isPending
      ? unconfirmedError(labelOf(ids), this.url, cause)
      : unavailableError(task, labelOf(ids), this.url, cause);
  }

  /** Whether this clone has seen the branch, or may have published to it. If not, the id is likely to be a new one. */
  isHeardOf(ref: string): boolean {
    const { journal, firstSeen } = this;
    return firstSeen.has(ref) || journal.pending(ref) !== undefined || journal.allHeld(ref).length > 0;
  }

  /** Notes what is there, or with an empty `oid` that nothing is. */
  note(ref: string, oid: ObjectId, at?: number): void {
    if (oid === '') this.firstSeen.forget(ref);
    else this.firstSeen.note(ref, oid, at);
  }

  /** Not synced: a lost table makes everything look fresh, and the journal can be settled again. */
  save(): void {
    this.journal.save();
    if (this.firstSeen.isChanged) replaceText(this.#parts.paths.firstSeen, this.firstSeen.text(), false);
  }

  /** The last events of one claim, the latest first. One fetch, not so shallow, and two processes to read it. */
  async events(id: string, limit: number): Promise<readonly PastEvent[] | Unreachable> {
    const ref = refOfClaim(id);
    const fetched = await this.#fetch([ref], limit);
    if (fetched.kind === 'failed') {
      if (isOtherFormat(fetched.stderr)) throw new OtherFormat();
      return this.#unreachable(fetched, [id]);
    }
    const tip = fetched.tips.get(ref);
    if (tip === undefined) return [];
    const oids = await this.git.listCommits(tip, limit);
    const raw = await this.git.readCommits(oids);
    const tips = oids.map((oid) => readTip(ref, oid, raw?.get(oid) ?? NONE, this.#parts.signing));
    return (await Promise.all(tips)).map(pastOf);
  }

  #reset(): void {
    resetStore(this.#parts.paths);
    this.#cache = new TipCache(this.#parts.paths.tips);
  }

  async #fetchAll(): Promise<Fetched> {
    const { git, deadline } = this;
    const { paths } = this.#parts;
    if (expectsMany(paths, this.#cache)) return fetchMany(git, paths, this.#cache, deadline);
    const fetched = await this.#fetch('all', 1);
    if (fetched.kind === 'fetched' && fetched.tips.size > MANY_TIPS)
      packRefs(paths.store, paths.refPrefix, fetched.tips);
    return fetched;
  }

  #fetch(refs: readonly string[] | 'all', depth: number): Promise<Fetched> {
    return this.git.fetchTips(refs, this.#parts.paths.refPrefix, depth, this.deadline);
  }

  /** Until a push has proven it: whether the arbiter, if it can be read at all, has the same tips. */
  async #isLikeArbiter(
    refs: readonly string[] | 'all',
    tips: ReadonlyMap<string, ObjectId>,
  ): Promise<boolean> {
    const there = await this.git.listRemote(refs, this.deadline, ARBITER_NAME);
    if (there === undefined) return true;
    return there.size === tips.size && [...there].every(([ref, oid]) => tips.get(ref) === oid);
  }

  async #read(
    oids: ReadonlyMap<string, ObjectId>,
  ): Promise<{ tips: Tip[]; pathIndex: PathIndexLook } | undefined> {
    const raw = await contentsOf(this.git, this.#cache, [...oids.values()]);
    if (raw === undefined) return undefined;
    const { signing } = this.#parts;
    const claims = [...oids].filter(([ref]) => ref !== PATH_INDEX_REF);
    const tips = claims.map(([ref, oid]) => readTip(ref, oid, raw.get(oid) ?? NONE, signing));
    const oid = oids.get(PATH_INDEX_REF);
    const read = (): PathIndex =>
      oid === undefined ? NO_PATH_INDEX : decodePathIndex(oid, raw.get(oid)?.record);
    return { tips: await Promise.all(tips), pathIndex: { oid: oid ?? '', read } };
  }

  #noted(refs: readonly string[] | 'all', found: readonly Tip[]): Map<string, Tip> {
    const tips = new Map(found.map((tip) => [tip.ref, tip]));
    if (refs === 'all') this.firstSeen.retain(new Set(tips.keys()), CLAIM_REF_PREFIX);
    else for (const ref of refs) if (!tips.has(ref)) tips.set(ref, absentTip(ref));
    const at = this.#parts.timeline.now();
    for (const { ref, oid } of tips.values()) this.note(ref, oid, at);
    this.#settleJournal(tips);
    this.save();
    return tips;
  }

  /** What was unconfirmed may be known by now: a look at a claim settles it for all later commands. */
  #settleJournal(tips: ReadonlyMap<string, Tip>): void {
    for (const { ref, oid } of tips.values()) {
      const pending = this.journal.pending(ref);
      const landed = pending?.tries.find((attempted) => attempted.oid === oid);
      // Where the command that pushed is looking, it reports so itself afterwards.
      if (landed !== undefined)
        this.journal.landed(ref, { ...landed, isLate: true }, isHeldEvent(landed.record.event));
      else if (pending !== undefined && pending.expected !== oid) this.journal.voided(ref);
    }
  }

  #unreachable(fetched: Fetched & { kind: 'failed' }, ids: readonly string[] | 'all'): Unreachable {
    const { kind, reason } = gitFailure(fetched.stderr);
    const cause = fetched.isTimedOut ? 'it did not answer in time' : reason;
    // Of a push that had no answer nothing is known, whatever keeps us from asking: it may stand.
    const isPending = ids !== 'all' && ids.some((id) => this.journal.pending(refOfClaim(id)) !== undefined);
    if (kind === 'denied' && !fetched.isTimedOut && !isPending)
      throw permissionError(labelOf(ids), this.url, cause);
    return { kind: 'unreachable', cause };
  }
}

function labelOf(ids: readonly string[] | 'all'): string {
  return ids === 'all' ? 'all claims' : ids.join(' ');
}

function pastOf(tip: Tip): PastEvent {
  if (tip.kind === 'absent') return { oid: '', record: undefined, problem: undefined };
  return { oid: tip.oid, record: tip.record, problem: tip.kind === 'broken' ? tip.problem : undefined };
}
