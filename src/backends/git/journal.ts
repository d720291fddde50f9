import { LockError } from '../../core/errors.js';
import { readJson, replaceText } from './files.js';
import type { ObjectId } from './objects.js';
import { OperationLog } from './operation-log.js';
import type { Attempted } from './tip.js';

/** Pushes of one claim whose outcome is not known yet. All expect the same tip, so at most one of them can land. */
export interface Pending {
  /** Empty: the branch must not exist. */
  readonly expected: ObjectId;
  readonly tries: readonly Attempted[];
}

/** What a checkpoint holds. */
interface JournalContent {
  format: 2;
  /** Where it was written: in a copy of the clone it says nothing. */
  readonly place: string;
  /** Number of the last operation that is in it. */
  last: number;
  /** By the key of the arbiter's URL, then ref. */
  remotes: Record<string, RemoteJournal>;
}

interface RemoteJournal {
  pending: Record<string, Pending>;
  /** The last event of each hold of this clone that landed and was not ended by us. */
  held: Record<string, Attempted[]>;
}

type Operation =
  | {
      readonly kind: 'begin';
      readonly ref: string;
      readonly expected: ObjectId;
      readonly attempted: Attempted;
    }
  | {
      readonly kind: 'landed';
      readonly ref: string;
      readonly attempted: Attempted;
      readonly isHeld: boolean;
    }
  | { readonly kind: 'voided'; readonly ref: string }
  | { readonly kind: 'ended'; readonly ref: string; readonly holderId: string };

type Logged = Operation & { readonly key: string };

export interface JournalPaths {
  readonly journal: string;
  readonly journalLog: string;
  /** Of the arbiter's URL: URLs themselves may carry secrets. */
  readonly key: string;
}

/**
 * What this clone has published or tried to. It alone makes a hold ours: an agent's name in a record does not.
 * Read and written under the store's local lock only. A checkpoint, and a log of what was done since.
 */
export class Journal {
  readonly #path: string;
  readonly #key: string;
  readonly #content: JournalContent;
  readonly #log: OperationLog<Logged>;
  #unsaved: Operation[] = [];

  constructor(paths: JournalPaths, placeId: string) {
    this.#path = paths.journal;
    this.#key = paths.key;
    const content = readContent(paths.journal);
    this.#log = new OperationLog(paths.journalLog);
    this.#content =
      content?.place === placeId ? content : { format: 2, place: placeId, last: 0, remotes: {} };
    if (content?.place !== placeId) return;
    const { operations, last } = this.#log.read(this.#content.last);
    for (const operation of operations) this.#apply(operation.key, operation);
    this.#content.last = last;
  }

  get #own(): RemoteJournal {
    return this.#remote(this.#key);
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
    for (const begun of tries) this.#do({ kind: 'begin', ...begun });
    this.#save(true);
  }

  /** One of ours is the tip. */
  landed(ref: string, attempted: Attempted, isHeld: boolean): void {
    this.#do({ kind: 'landed', ref, attempted, isHeld });
  }

  /** None of the pending tries landed, and none can any more. */
  voided(ref: string): void {
    if (this.#own.pending[ref] !== undefined) this.#do({ kind: 'voided', ref });
  }

  /** The hold is over, and its agent knows. */
  ended(ref: string, holderId: string): void {
    this.#do({ kind: 'ended', ref, holderId });
  }

  /** Not synced: what it says can be found out again from the remote and from what {@link begin} wrote. */
  save(): void {
    this.#save(false);
  }

  #do(operation: Operation): void {
    this.#apply(this.#key, operation);
    this.#unsaved.push(operation);
  }

  #apply(key: string, operation: Operation): void {
    const { pending, held } = this.#remote(key);
    const { ref } = operation;
    if (operation.kind === 'begin') {
      const earlier = pending[ref];
      // Tries that expected another tip are void: the tip has moved on and no commit recurs.
      const kept = earlier?.expected === operation.expected ? earlier.tries : [];
      pending[ref] = { expected: operation.expected, tries: [...kept, operation.attempted] };
      return;
    }
    if (operation.kind !== 'ended') delete pending[ref];
    if (operation.kind === 'voided') return;
    const isLanded = operation.kind === 'landed';
    const ended = isLanded ? operation.attempted.record.holderId : operation.holderId;
    const holds = (held[ref] ?? []).filter(({ record }) => record.holderId !== ended);
    if (isLanded && operation.isHeld) holds.push(operation.attempted);
    if (holds.length === 0) delete held[ref];
    else held[ref] = holds;
  }

  #remote(key: string): RemoteJournal {
    return (this.#content.remotes[key] ??= { pending: {}, held: {} });
  }

  #save(isDurable: boolean): void {
    if (this.#unsaved.length === 0) return;
    const first = this.#content.last + 1;
    const logged = this.#unsaved.map((operation) => ({ key: this.#key, ...operation }));
    this.#content.last += logged.length;
    this.#unsaved = [];
    if (this.#log.tryAppend(logged, first, isDurable)) return;
    replaceText(this.#path, JSON.stringify(this.#content), true);
    this.#log.reset();
  }
}

function readContent(path: string): JournalContent | undefined {
  const value = readJson(path) as JournalContent | undefined;
  if (value === undefined) return undefined;
  const isKnown = (value as JournalContent | null)?.format === 2;
  if (isKnown && typeof value.last === 'number' && typeof value.remotes === 'object') return value;
  throw new LockError(
    `Could not read "${path}": a version of holdfast that this one does not know wrote it. Use that version, or move the file away.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}
