import { hostname } from '../../platform/identity.js';
import { claimOfRef, refOfClaim } from './claim-id.js';
import type { Deadline } from './deadline.js';
import { isMissingRemote, isStoreDamaged, isTurnedAway, permissionError, reasonIn } from './failures.js';
import { lastValue, type GitConfigEntry } from './git-config.js';
import { Journal } from './journal.js';
import { commitText, withSignature, writeObject, writeTree, type ObjectId } from './objects.js';
import { fetchTips, listCommits, readCommits, type Fetched, type Git } from './plumbing.js';
import { isHeldEvent, RECORD_FILE, subjectOf, type ClaimRecord } from './record.js';
import { Sightings, type Timeline } from './sightings.js';
import type { Signing } from './signing.js';
import { resetStore, type StorePaths } from './store-files.js';
import { absentTip, readTip, type Tip } from './tip.js';

/** What the remote said, or why it could not be asked. */
export type Look = { readonly kind: 'seen'; readonly tips: ReadonlyMap<string, Tip> } | Unreachable;

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

export type Events = { readonly kind: 'seen'; readonly tips: readonly PastEvent[] } | Unreachable;

export interface ClaimStoreParts {
  readonly git: Git;
  readonly url: string;
  readonly paths: StorePaths;
  readonly entries: readonly GitConfigEntry[];
  readonly signing: Signing;
  readonly timeline: Timeline;
}

/** One clone's view of one remote's claims. Lives while the local lock is held. */
export class ClaimStore {
  readonly git: Git;
  readonly url: string;
  readonly paths: StorePaths;
  readonly entries: readonly GitConfigEntry[];
  readonly journal: Journal;
  readonly sightings: Sightings;
  readonly #signing: Signing;

  constructor(parts: ClaimStoreParts) {
    this.git = parts.git;
    this.url = parts.url;
    this.paths = parts.paths;
    this.journal = new Journal(parts.paths, parts.url);
    this.sightings = new Sightings(parts.paths.sightings, parts.timeline);
    this.#signing = parts.signing;
    this.entries = parts.entries;
  }

  /**
   * Asks the remote about some claims, or all: one fetch, and one process to read what came.
   *
   * @throws LockError HOLDFAST_PERMISSION when the remote refuses to be read.
   */
  async look(ids: readonly string[] | 'all', deadline: Deadline): Promise<Look> {
    const refs = ids === 'all' ? ids : ids.map(refOfClaim);
    for (let isRetry = false; ; isRetry = true) {
      const fetched = await this.#fetch(refs, deadline);
      if (fetched.kind === 'failed') {
        if (!isRetry && isStoreDamaged(fetched.stderr) && !isMissingRemote(fetched.stderr)) {
          resetStore(this.paths);
          continue;
        }
        return this.#unreachable(fetched, ids);
      }
      const tips = await this.#read(fetched.tips);
      if (tips !== undefined) return { kind: 'seen', tips: this.#noted(refs, tips) };
      if (isRetry) return { kind: 'unreachable', cause: 'what it sent could not be read' };
      resetStore(this.paths);
    }
  }

  /** Whether this clone has seen the branch, or may have published to it. If not, the id is likely to be a new one. */
  isHeardOf(ref: string): boolean {
    const { journal, sightings } = this;
    return sightings.isHeardOf(ref) || journal.pending(ref) !== undefined || journal.allHeld(ref).length > 0;
  }

  /** The last events of one claim, the latest first. One fetch, not so shallow, and two processes to read it. */
  async events(ref: string, limit: number, deadline: Deadline): Promise<Events> {
    const fetched = await fetchTips(
      this.git,
      this.url,
      { refs: [ref], refPrefix: this.paths.refPrefix, depth: limit },
      deadline,
    );
    if (fetched.kind === 'failed') {
      const look = this.#unreachable(fetched, [idOf({ ref })]);
      return { kind: 'unreachable', cause: look.cause };
    }
    const tip = fetched.tips.get(ref);
    if (tip === undefined) return { kind: 'seen', tips: [] };
    const oids = await listCommits(this.git, tip, limit);
    const raw = await readCommits(this.git, oids);
    const none = { commit: undefined, record: undefined };
    const tips = await Promise.all(
      oids.map((oid) => readTip(ref, oid, raw?.get(oid) ?? none, this.#signing)),
    );
    return { kind: 'seen', tips: tips.map(pastOf) };
  }

  /** Writes the commit of an event and returns its id. */
  async writeEvent(record: ClaimRecord, parent: ObjectId): Promise<ObjectId> {
    const { store } = this.git;
    const blob = writeObject(store, 'blob', Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`));
    const email = lastValue(this.entries, 'user.email') ?? `holdfast@${hostname()}`;
    const committer = lastValue(this.entries, 'user.name') ?? record.agent;
    const text = commitText({
      tree: writeTree(store, RECORD_FILE, blob),
      parent: parent === '' ? undefined : parent,
      author: `${record.agent} <${cleaned(email)}>`,
      committer: `${cleaned(committer)} <${cleaned(email)}>`,
      atSeconds: Math.floor(this.git.clock.wallNow() / 1000),
      message: subjectOf(record),
    });
    const signature = await this.#signing.sign(text);
    return writeObject(
      store,
      'commit',
      Buffer.from(signature === undefined ? text : withSignature(text, signature)),
    );
  }

  #fetch(refs: readonly string[] | 'all', deadline: Deadline): Promise<Fetched> {
    return fetchTips(this.git, this.url, { refs, refPrefix: this.paths.refPrefix, depth: 1 }, deadline);
  }

  async #read(oids: ReadonlyMap<string, ObjectId>): Promise<Tip[] | undefined> {
    if (oids.size === 0) return [];
    const raw = await readCommits(this.git, [...oids.values()]);
    if (raw === undefined) return undefined;
    const none = { commit: undefined, record: undefined };
    return Promise.all([...oids].map(([ref, oid]) => readTip(ref, oid, raw.get(oid) ?? none, this.#signing)));
  }

  #noted(refs: readonly string[] | 'all', found: readonly Tip[]): Map<string, Tip> {
    const tips = new Map(found.map((tip) => [tip.ref, tip]));
    if (refs === 'all') this.sightings.retain(new Set(tips.keys()));
    else for (const ref of refs) if (!tips.has(ref)) tips.set(ref, absentTip(ref));
    for (const { ref, oid } of tips.values()) this.sightings.note(ref, oid);
    this.sightings.save();
    this.#settleJournal(tips);
    return tips;
  }

  /** What was unconfirmed may be known by now: whoever asks about a claim learns it for all later commands. */
  #settleJournal(tips: ReadonlyMap<string, Tip>): void {
    let isChanged = false;
    for (const { ref, oid } of tips.values()) {
      const pending = this.journal.pending(ref);
      const landed = pending?.tries.find((attempted) => attempted.oid === oid);
      // Where the command that pushed is asking, it says so itself afterwards.
      if (landed !== undefined)
        this.journal.landed(ref, { ...landed, isLate: true }, isHeldEvent(landed.record.event));
      else if (pending === undefined || pending.expected === oid) continue;
      else this.journal.voided(ref);
      isChanged = true;
    }
    if (isChanged) this.journal.save();
  }

  #unreachable(fetched: Fetched & { kind: 'failed' }, ids: readonly string[] | 'all'): Unreachable {
    const cause = fetched.isTimedOut ? 'it did not answer in time' : reasonIn(fetched.stderr);
    const isDenied = !fetched.isTimedOut && isTurnedAway(fetched.stderr);
    // Of a push that had no answer nothing is known, whatever keeps us from asking: it may stand.
    const isPending = ids !== 'all' && ids.some((id) => this.journal.pending(refOfClaim(id)) !== undefined);
    if (isDenied && !isPending) {
      throw permissionError(ids === 'all' ? 'all claims' : ids.join(' '), this.url, cause);
    }
    return { kind: 'unreachable', cause };
  }
}

/** What git removes from names and addresses of people; see ident.c. */
function cleaned(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f<>]/g, '').trim() || 'holdfast';
}

export function idOf(tip: { readonly ref: string }): string {
  return claimOfRef(tip.ref) ?? tip.ref;
}

function pastOf(tip: Tip): PastEvent {
  if (tip.kind === 'absent') return { oid: '', record: undefined, problem: undefined };
  return { oid: tip.oid, record: tip.record, problem: tip.kind === 'broken' ? tip.problem : undefined };
}
