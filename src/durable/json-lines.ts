import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { Guard } from '../core/guard.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { resolveLinks } from '../files/real-path.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { refreshNames } from '../files/replaced.js';
import { withLock } from '../locks/acquire.js';
import { lockFor, type Lock } from '../locks/lock.js';
import { appendLines, openTail, rotate, rotatedPaths } from './append.js';
import { writeFailure } from './failure.js';
import { assertNotFenced } from './fencing.js';
import type { JsonWriteOptions } from './json-file.js';
import { completeLines, openGenerations, readTail } from './line-reader.js';
import { describeIssues, type StandardSchema } from './standard-schema.js';
import { syncDirectory } from '../files/sync-directory.js';
import { isRecord, joinToken, splitToken } from './token-member.js';

export interface JsonLinesOptions<T> {
  /** Checked for every record that is read; those that do not fit count as invalid. Any Standard Schema. */
  readonly schema?: StandardSchema<T>;
  /** Taken around every append, in the place of the lock beside the file (`lockFor(path)`). */
  readonly lock?: string | Lock;
  /** Directory for the lock file, instead of `.holdfast/locks` beside the data. */
  readonly lockDir?: string;
  /** Permission bits of a new file. Default: 0o600, or 0o660 with the directory's group where that group may write there. */
  readonly mode?: number;
  /** Begin a new file before an append that would make this one larger than `maxSizeBytes`; keep `keep` older ones. */
  readonly rotation?: { readonly maxSizeBytes: number; readonly keep: number };
}

export interface JsonLinesReadOptions {
  /** Begin with the oldest rotated file. Default false: the present file only. */
  readonly includesRotated?: boolean;
  /** Told about each complete line that is no record. Such lines are skipped. */
  readonly onInvalid?: (line: InvalidLine) => void;
}

export interface InvalidLine {
  /** From 1, within its file. */
  readonly lineNumber: number;
  /** Bytes from the beginning of its file. */
  readonly offset: number;
  readonly text: string;
  readonly fact: string;
}

/**
 * A file of JSON records, one per line, that several processes append to and read. An append is under a lock, one
 * write, and on disk when it resolves. Records are objects or arrays: the beginning of a number is a number, so a torn
 * one could not be told.
 *
 * @example
 * const log = new JsonLines<{ at: string }>('events.jsonl');
 * await log.append({ at: new Date().toISOString() });
 * for await (const event of log.read()) console.log(event.at);
 */
export class JsonLines<T extends object> {
  readonly path: string;
  readonly #options: JsonLinesOptions<T>;
  readonly #lock: string | Lock;

  constructor(path: string, options: JsonLinesOptions<T> = {}) {
    const { rotation } = options;
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
  }

  /**
   * Appends one record. Once this resolves the record is on disk, and every reader sees it once.
   *
   * @throws LockError of the lock; HOLDFAST_IO (a full disk leaves a torn line, which readers do not see and the next
   *   append ends), HOLDFAST_PERMISSION; HOLDFAST_LOST for an older fencing token; TypeError for what is no record.
   */
  append(record: T, options: JsonWriteOptions = {}): Promise<void> {
    return this.appendAll([record], options);
  }

  /**
   * Appends several records with one write and one sync. Not all or nothing: after a crash or on a full disk a first
   * part of them may be there.
   */
  async appendAll(records: readonly T[], options: JsonWriteOptions = {}): Promise<void> {
    if (records.length === 0) return;
    for (const record of records) {
      if (typeof record !== 'object' || record === null)
        throw new TypeError('A record is an object or an array.');
    }
    const { fencingToken, ...lockOptions } = options;
    await withLock(this.#lock, lockOptions, async (guard) => {
      const token = fencingToken ?? guard.fencingToken;
      const lines = records.map((record) => `${JSON.stringify(joinToken(record, token))}\n`).join('');
      try {
        await this.#append(guard, token, lines);
      } catch (error) {
        throw writeFailure(this.path, Buffer.byteLength(lines), error);
      }
    });
  }

  async #append(guard: Guard, token: bigint | undefined, lines: string): Promise<void> {
    const path = readReplacedSync(this.path, () => resolveLinks(this.path));
    await refreshNames(dirname(path));
    const { mode } = this.#options;
    let opened = await openTail(path, mode, parseLine);
    try {
      const { tail } = opened;
      assertNotFenced(this.path, token, tokenOf(tail.last ?? (await this.#lastRotated(path)), this.path));
      if (this.#isRotationDue(tail.sizeBytes, Buffer.byteLength(lines))) {
        guard.assertHeld();
        await opened.file.close();
        await rotate(path, this.#options.rotation?.keep ?? 1);
        opened = await openTail(path, mode, parseLine);
      }
      guard.assertHeld();
      await appendLines(opened.file, path, opened.tail, lines);
      if (opened.isNew) await syncDirectory(dirname(path));
    } finally {
      await opened.file.close();
    }
  }

  /** A crash between the rotation and the append leaves the highest token in the file before this one. */
  async #lastRotated(path: string): Promise<unknown> {
    if (this.#options.rotation === undefined) return undefined;
    const [file] = await openGenerations(rotatedPaths(path, 1));
    if (file === undefined) return undefined;
    try {
      return (await readTail(file, parseLine)).last;
    } finally {
      await file.close();
    }
  }

  #isRotationDue(sizeBytes: number, moreBytes: number): boolean {
    const { rotation } = this.#options;
    return rotation !== undefined && sizeBytes > 0 && sizeBytes + moreBytes > rotation.maxSizeBytes;
  }

  /**
   * The records, in the order of their lines, in constant memory. Takes no lock; ends at what is complete when it
   * gets there. A file that does not exist has no records.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_PERMISSION when it cannot be read.
   */
  async *read(options: JsonLinesReadOptions = {}): AsyncGenerator<T> {
    const rotated =
      options.includesRotated === true ? rotatedPaths(this.path, this.#options.rotation?.keep ?? 0) : [];
    const files = await this.#reading(openGenerations([this.path, ...rotated]));
    try {
      for (const file of files) yield* this.#readFile(file, options);
    } finally {
      for (const file of files) await file.close();
    }
  }

  async *#readFile(file: FileHandle, options: JsonLinesReadOptions): AsyncGenerator<T> {
    let lineNumber = 0;
    const lines = completeLines((into, position) => this.#reading(file.read(into, 0, into.length, position)));
    for await (const { text, offset } of lines) {
      lineNumber++;
      const line = text.toString();
      if (line.trim() === '') continue;
      const parsed = await this.#parse(line);
      if ('record' in parsed) yield parsed.record;
      else options.onInvalid?.({ lineNumber, offset, text: line, fact: parsed.fact });
    }
  }

  /**
   * ESTALE in the midst of a file is for the caller to hear: on NFS it means that a rotation has removed that file, so the
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

  async #parse(line: string): Promise<{ record: T } | { fact: string }> {
    let value: unknown;
    try {
      value = splitToken(JSON.parse(line), this.path).value;
    } catch (error) {
      return { fact: `it is no JSON (${(error as Error).message})` };
    }
    if (!isRecord(value) && !Array.isArray(value)) return { fact: 'it is neither an object nor an array' };
    if (this.#options.schema === undefined) return { record: value as T };
    const result = await this.#options.schema['~standard'].validate(value);
    return result.issues === undefined ? { record: result.value } : { fact: describeIssues(result.issues) };
  }
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}

/** Every fenced append carries a token at least as high as the one before, so the last record has the highest. */
function tokenOf(last: unknown, path: string): bigint | undefined {
  return last === undefined ? undefined : splitToken(last, path).token;
}
