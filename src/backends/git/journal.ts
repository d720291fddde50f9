import { readJson, replaceJson } from './files.js';
import { LockError } from '../../core/errors.js';
import type { ObjectId } from './objects.js';
import type { ClaimRecord } from './record.js';

/** A commit that was, or was about to be, pushed. */
export interface Attempted {
  readonly oid: ObjectId;
  readonly record: ClaimRecord;
}

/** Pushes of one claim whose outcome nobody knows yet. All expect the same tip, so at most one of them can land. */
export interface Pending {
  /** Empty: the branch must not exist. */
  readonly expected: ObjectId;
  readonly tries: readonly Attempted[];
}

interface JournalContent {
  schema: 1;
  /** By URL, then ref. */
  remotes: Record<string, RemoteJournal>;
}

interface RemoteJournal {
  pending: Record<string, Pending>;
  /** The last event of each hold of this clone that landed and was not ended by us. */
  held: Record<string, Attempted[]>;
}

/**
 * What this clone has published or tried to. It alone makes a hold ours: an agent's name in a record does not.
 * Read and written under the store's local lock only.
 */
export class Journal {
  readonly #path: string;
  readonly #content: JournalContent;
  readonly #own: RemoteJournal;

  constructor(path: string, url: string) {
    this.#path = path;
    this.#content = readContent(path);
    this.#own = this.#content.remotes[url] ??= { pending: {}, held: {} };
  }

  pending(ref: string): Pending | undefined {
    return this.#own.pending[ref];
  }

  /** Claims that have pushes of unknown outcome. */
  pendingRefs(): string[] {
    return Object.keys(this.#own.pending);
  }

  /** The hold of this clone with that holder id, in its last known form. */
  held(ref: string, holderId: string): Attempted | undefined {
    return this.#own.held[ref]?.find(({ record }) => record.holderId === holderId);
  }

  /** Every hold that this clone believes in, or lost without having noticed. */
  allHeld(ref?: string): (Attempted & { readonly ref: string })[] {
    const refs = ref === undefined ? Object.keys(this.#own.held) : [ref];
    return refs.flatMap((name) => (this.#own.held[name] ?? []).map((entry) => ({ ...entry, ref: name })));
  }

  /** Durable before the first push: a crash right after it must not turn our own claim into a stranger's. */
  begin(tries: readonly { ref: string; expected: ObjectId; attempted: Attempted }[]): void {
    for (const { ref, expected, attempted } of tries) {
      const earlier = this.#own.pending[ref];
      // Tries that expected another tip are void: the tip has moved on and no commit recurs.
      const kept = earlier?.expected === expected ? earlier.tries : [];
      this.#own.pending[ref] = { expected, tries: [...kept, attempted] };
    }
    this.#save(true);
  }

  /** One of ours is the tip. */
  landed(ref: string, attempted: Attempted, isHeld: boolean): void {
    delete this.#own.pending[ref];
    this.#forget(ref, attempted.record.holderId);
    if (isHeld) (this.#own.held[ref] ??= []).push(attempted);
  }

  /** None of the pending tries landed, and none can any more. */
  voided(ref: string): void {
    delete this.#own.pending[ref];
  }

  /** The hold is over, and its agent was told. */
  ended(ref: string, holderId: string): void {
    this.#forget(ref, holderId);
  }

  /** Not synced: what it says can be found out again from the remote and from what {@link begin} wrote. */
  save(): void {
    this.#save(false);
  }

  #forget(ref: string, holderId: string): void {
    const rest = (this.#own.held[ref] ?? []).filter(({ record }) => record.holderId !== holderId);
    if (rest.length === 0) delete this.#own.held[ref];
    else this.#own.held[ref] = rest;
  }

  #save(isDurable: boolean): void {
    replaceJson(this.#path, this.#content, isDurable);
  }
}

function readContent(path: string): JournalContent {
  const value = readJson(path) as JournalContent | undefined;
  if (value === undefined) return { schema: 1, remotes: {} };
  if (value.schema === 1 && typeof value.remotes === 'object') return value;
  throw new LockError(
    `Could not read "${path}": a version of holdfast that this one does not know wrote it. Use that version, or move the file away.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}
