import {
  BOOLEAN,
  checkOptions,
  FUNCTION,
  NUMBER,
  OBJECT,
  TEXT,
  type OptionRule,
} from '../core/check-options.js';
import { timeoutOf } from '../core/diagnostics.js';
import type { Guard } from '../core/guard.js';
import { canceledError } from '../core/messages.js';
import { type Leases, mergeOptions, type LockOptions, type ResolvedOptions } from '../core/options.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { withLock } from '../locks/acquire.js';
import { LOCK, lockFor, optionsOf, targetOf, type Lock } from '../locks/lock.js';
import { systemClock } from '../platform/clock.js';
import { AppendQueue } from './append-queue.js';
import { rotatedPaths } from './append.js';
import { writeFailure } from './failure.js';
import { JSON_WRITE_OPTIONS, type JsonWriteOptions } from './json-file.js';
import { completeLines, openGenerations, type ReadAt } from './line-reader.js';
import { LinesFile } from './lines-file.js';
import { OneByOne } from './one-by-one.js';
import { RecordDecoder, type InvalidLine } from './record-decoder.js';
import { RecordLines } from './record-lines.js';
import type { StandardSchema } from './standard-schema.js';

/** Options of a call that leave it free to share a hold with others. */
const SHARED_OPTIONS = new Set(['timeoutMs', 'timeoutSource', 'signal']);

/** Options of {@link JsonLines}. */
export interface JsonLinesOptions<T> {
  /**
   * Checked for every record that is read; those that do not fit count as invalid. Any Standard Schema. Default:
   * none.
   */
  readonly schema?: StandardSchema<T>;
  /** The lock that is held during an append. Default: the lock beside the file (`lockFor(path)`). */
  readonly lock?: string | Lock;
  /**
   * Directory for the lock file, instead of `.holdfast/locks` beside the data. Default: `.holdfast/locks` beside
   * the data.
   */
  readonly lockDir?: string;
  /** Permission bits of a new file. Default: 0o600, or 0o660 with the directory's group where that group may write there. */
  readonly mode?: number;
  /**
   * Begin a new file before an append that would make this one larger than `maxSizeBytes`; keep `keep` older ones.
   * Default: never.
   */
  readonly rotation?: { readonly maxSizeBytes: number; readonly keep: number };
}

/** Options of one read. */
export interface JsonLinesReadOptions {
  /** Begin with the oldest rotated file. Default false: the present file only. */
  readonly includesRotated?: boolean;
  /** Called with each complete line that is no record. Such lines are skipped. Default: none. */
  readonly onInvalid?: (line: InvalidLine) => void;
}

const JSON_LINES_OPTIONS = {
  schema: OBJECT,
  lock: LOCK,
  lockDir: TEXT,
  mode: NUMBER,
  rotation: OBJECT,
} satisfies Record<keyof JsonLinesOptions<unknown>, OptionRule>;

const READ_OPTIONS = {
  includesRotated: BOOLEAN,
  onInvalid: FUNCTION,
} satisfies Record<keyof JsonLinesReadOptions, OptionRule>;

const ROTATION = { maxSizeBytes: NUMBER, keep: NUMBER };

/**
 * A file of JSON records, one per line, that several processes append to and read. An append is under a lock, one
 * write, and on disk when it resolves. Records are objects or arrays: the beginning of a number is a number, so a torn
 * one could not be detected.
 *
 * @example
 * const log = new JsonLines<{ at: string }>('events.jsonl');
 * await log.append({ at: new Date().toISOString() });
 * for await (const event of log.read()) console.log(event.at);
 */
export class JsonLines<T extends object> {
  /** Path as given. */
  readonly path: string;
  readonly #options: JsonLinesOptions<T>;
  readonly #lock: string | Lock;
  readonly #file: LinesFile;
  readonly #queue: AppendQueue<Guard>;
  #leases: Leases | undefined;

  /** Reads nothing. */
  constructor(path: string, options: JsonLinesOptions<T> = {}) {
    checkOptions(options, JSON_LINES_OPTIONS);
    const { rotation } = options;
    checkOptions(rotation, ROTATION);
    if (
      rotation !== undefined &&
      !(rotation.maxSizeBytes > 0 && Number.isInteger(rotation.keep) && rotation.keep > 0)
    ) {
      throw new RangeError(
        'rotation wants a maxSizeBytes above 0 and a whole number of files to keep, 1 or more.',
      );
    }
    this.path = path;
    this.#options = options;
    this.#lock =
      options.lock ?? lockFor(path, options.lockDir === undefined ? {} : { lockDir: options.lockDir });
    this.#file = new LinesFile(path, options);
    this.#queue = this.#newQueue();
  }

  /**
   * Appends one record. Once this resolves the record is on disk, and every reader sees it once. Calls that wait at the
   * same time share one hold of the lock, one write and one sync, in the order of the calls.
   *
   * @throws LockError of the lock; HOLDFAST_IO (a full disk leaves a torn line, which readers do not see and the next
   *   append ends), HOLDFAST_PERMISSION; HOLDFAST_LOST for an older fencing token; TypeError for what is no record.
   */
  append(record: T, options: JsonWriteOptions = {}): Promise<void> {
    return this.#appendLines([record], options);
  }

  /**
   * Appends several records with one write and one sync. Not all or nothing: after a crash or on a full disk a
   * first part of them may be there.
   *
   * @throws what {@link append} throws.
   */
  async appendAll(records: readonly T[], options: JsonWriteOptions = {}): Promise<void> {
    checkOptions(options, JSON_WRITE_OPTIONS);
    if (records.length > 0) await this.#appendLines(records, options);
  }

  // The lines are made at once: what the caller changes afterwards is no part of this append.
  async #appendLines(records: readonly T[], options: JsonWriteOptions): Promise<void> {
    const { fencingToken, ...lockOptions } = options;
    const lines = new RecordLines(records);
    const shared = this.#sharedOptions(fencingToken === undefined ? lockOptions : undefined);
    if (shared !== undefined) {
      const { timeout, signal } = shared;
      const linesUnder = (guard: Guard): string => lines.under(guard.fencingToken);
      return this.#queue.append({ linesUnder, timeout, signal });
    }
    this.#queue.seal();
    await withLock(this.#lock, lockOptions, async (guard) => {
      const token = fencingToken ?? guard.fencingToken;
      const text = lines.under(token);
      try {
        const { error } = await this.#file.append(guard, token, [text]);
        if (error !== undefined) throw error;
      } catch (error) {
        throw writeFailure(this.path, Buffer.byteLength(text), error);
      }
    });
  }

  /** What of the options a call brings to a hold that it shares with others; undefined when it wants one of its own. */
  #sharedOptions(ofCall: LockOptions | undefined): ResolvedOptions | undefined {
    if (ofCall === undefined || Object.keys(ofCall).some((name) => !SHARED_OPTIONS.has(name)))
      return undefined;
    // Finding the place of a lock takes a dozen system calls, and acquiring it does so anyway.
    this.#leases ??= targetOf(this.#lock).namespace.leases;
    const merged = mergeOptions(optionsOf(this.#lock), ofCall, this.#leases);
    // A call that tries once, or reports its wait, stands in the lock's own queue.
    return merged.timeout.ms === 0 || merged.onWait !== undefined ? undefined : merged;
  }

  #newQueue(): AppendQueue<Guard> {
    const lock = this.#lock;
    return new AppendQueue<Guard>({
      clock: systemClock,
      hold: (signal, work) => withLock(lock, { timeoutMs: Infinity, signal }, work),
      write: (texts, guard) => this.#file.append(guard, guard.fencingToken, texts),
      failureOf: (error, text) => writeFailure(this.path, Buffer.byteLength(text), error),
      timeoutOf: ({ timeout }) => timeoutOf(targetOf(lock), timeout, undefined),
      canceledOf: (reason) => canceledError(targetOf(lock).address, reason),
    });
  }

  /**
   * The records, in the order of their lines, in constant memory. Takes no lock; ends at what is complete when it
   * gets there. A file that does not exist has no records.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_PERMISSION when it cannot be read.
   */
  read(options: JsonLinesReadOptions = {}): AsyncGenerator<T, undefined> {
    return new OneByOne(this.readBatches(options));
  }

  /**
   * The same records, as many at a time as one reading of the file brings (256 KiB of it), never none: awaiting each of
   * a million records takes as long as parsing them.
   *
   * @throws as {@link read}.
   * @example
   * for await (const events of log.readBatches()) for (const event of events) count(event);
   */
  async *readBatches(options: JsonLinesReadOptions = {}): AsyncGenerator<T[]> {
    checkOptions(options, READ_OPTIONS);
    const rotated =
      options.includesRotated === true ? rotatedPaths(this.path, this.#options.rotation?.keep ?? 0) : [];
    const files = await this.#reading(openGenerations([this.path, ...rotated]));
    const decoder = new RecordDecoder(this.path, this.#options.schema, options.onInvalid);
    try {
      for (const file of files) {
        decoder.beginFile();
        const readAt: ReadAt = (into, position) => this.#reading(file.read(into, 0, into.length, position));
        for await (const lines of completeLines(readAt)) {
          const decoded = decoder.decode(lines);
          const records = decoded instanceof Promise ? await decoded : decoded;
          if (records.length > 0) yield records;
        }
      }
    } finally {
      for (const file of files) await file.close();
    }
  }

  /**
   * ESTALE in the midst of a file is for the caller: on NFS it means that a rotation has removed that file, so the
   * rest of its records cannot be had.
   */
  async #reading<R>(work: Promise<R>): Promise<R> {
    try {
      return await work;
    } catch (error) {
      const errno = errnoOf(error);
      throw errno === undefined ? error : systemError('read', this.path, errno, error);
    }
  }
}
