import { isUtf8 } from 'node:buffer';
import { dirname } from 'node:path';

import {
  ANYTHING,
  BIGINT,
  checkOptions,
  either,
  NUMBER,
  OBJECT,
  TEXT,
  type OptionRule,
  type OptionRules,
} from '../core/check-options.js';
import { LockError } from '../core/errors.js';
import type { Guard } from '../core/guard.js';
import { DEFAULT_TIMEOUT_MS, LOCK_OPTIONS, type LockOptions } from '../core/options.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { systemClock } from '../platform/clock.js';
import { readNamed } from '../files/open-named-async.js';
import { readNamedWithStateSync, type NamedContent } from '../files/open-named.js';
import { readReplacedSync, refreshNamesSync } from '../files/replaced-sync.js';
import { readReplaced } from '../files/replaced.js';
import { withLock } from '../locks/acquire.js';
import { LOCK, lockFor, type Lock } from '../locks/lock.js';
import { contentError } from './failure.js';
import { formatJson, NEW_FILE_STYLE, styleOf, withoutByteOrderMark, type JsonStyle } from './json-text.js';
import { validated, type StandardSchema } from './standard-schema.js';
import { joinToken, splitToken } from './token-member.js';
import { writeFileDurable } from './write.js';

/** Options of {@link JsonFile}. */
export interface JsonFileOptions<T> {
  /**
   * Checked at every read and before every write. Any Standard Schema (zod, valibot, arktype, ...). Default: none.
   */
  readonly schema?: StandardSchema<T>;
  /**
   * The value of a file that does not exist. A function is called each time; a value is copied. Default: none, and
   * a missing file is an error.
   */
  readonly defaultValue?: T | (() => T);
  /** The lock that is held during a write. Default: the lock beside the file (`lockFor(path)`). */
  readonly lock?: string | Lock;
  /**
   * Directory for the lock file, instead of `.holdfast/locks` beside the data. Default: `.holdfast/locks` beside
   * the data.
   */
  readonly lockDir?: string;
  /** Indentation of a new file: spaces or a text. Default 2. An existing file keeps its own. */
  readonly indent?: number | string;
  /** Permission bits of a new file. Default: 0o600, or 0o660 with the directory's group where that group may write there. */
  readonly mode?: number;
}

/** Options of one write. */
export interface JsonWriteOptions extends Omit<LockOptions, 'mode'> {
  /**
   * Refuse this write when the file was written under a newer token. Default: the token of the hold, where its lock
   * gives one.
   */
  readonly fencingToken?: bigint;
}

const JSON_FILE_OPTIONS = {
  schema: OBJECT,
  defaultValue: ANYTHING,
  lock: LOCK,
  lockDir: TEXT,
  indent: either(NUMBER, TEXT),
  mode: NUMBER,
} satisfies Record<keyof JsonFileOptions<unknown>, OptionRule>;

export const JSON_WRITE_OPTIONS: OptionRules = {
  ...Object.fromEntries(Object.entries(LOCK_OPTIONS).filter(([name]) => name !== 'mode')),
  fencingToken: BIGINT,
};

interface Content {
  readonly value: unknown;
  readonly style: JsonStyle;
  readonly exists: boolean;
  /** What was read, and in which state of the file. */
  readonly known?: { readonly state: string; readonly token: bigint | undefined };
}

/**
 * A JSON file that several processes read and change. Writes are durable and made under a lock; reads take none,
 * because a file replaced by rename is always whole. Programs that write into the file in place are not excluded.
 *
 * @example
 * const state = new JsonFile<{ runs: number }>('state.json', { defaultValue: { runs: 0 } });
 * await state.update((value) => ({ ...value, runs: value.runs + 1 }));
 */
export class JsonFile<T> {
  /** Path as given. */
  readonly path: string;
  readonly #options: JsonFileOptions<T>;
  readonly #lock: string | Lock;
  readonly #newStyle: JsonStyle;

  /** Reads nothing. */
  constructor(path: string, options: JsonFileOptions<T> = {}) {
    checkOptions(options, JSON_FILE_OPTIONS);
    this.path = path;
    this.#options = options;
    this.#lock =
      options.lock ?? lockFor(path, options.lockDir === undefined ? {} : { lockDir: options.lockDir });
    const indent = options.indent ?? NEW_FILE_STYLE.indent;
    this.#newStyle = { ...NEW_FILE_STYLE, indent: typeof indent === 'number' ? ' '.repeat(indent) : indent };
  }

  /**
   * The present value: a version that a writer completed, whole. It may be replaced at any moment; to change it, use
   * {@link update}.
   *
   * @throws LockError HOLDFAST_PROTOCOL for a file that is empty, no JSON, or does not fit the schema; HOLDFAST_IO or
   *   HOLDFAST_PERMISSION when it cannot be read, or does not exist and there is no default.
   */
  async read(): Promise<T> {
    const { value } = await this.#load();
    return validated(this.#options.schema, value, 'read', this.path);
  }

  /**
   * Replaces the value by what `change` makes of it, under the lock: no change is lost. Returns the new value.
   * When `change` throws, nothing is written.
   *
   * @throws what {@link read} and `acquire` throw; LockError HOLDFAST_LOST when the hold ended or a newer fencing
   *   token is in the file; HOLDFAST_PROTOCOL when the new value does not fit the schema; TypeError when it is
   *   undefined or JSON cannot say it.
   */
  update(change: (value: T, guard: Guard) => T | Promise<T>, options: JsonWriteOptions = {}): Promise<T> {
    return this.#write(options, async (guard) => {
      const content = this.#loadUnderLock();
      const value = await validated(this.#options.schema, content.value, 'read', this.path);
      const next = await change(value, guard);
      if (next === undefined)
        throw new TypeError('The function given to update() must return the new value.');
      return { ...content, value: next };
    });
  }

  /**
   * Replaces the value, whatever the file holds now, even something unreadable. Otherwise as {@link update}.
   *
   * @throws what {@link update} throws, but for a file that cannot be read.
   */
  async replace(value: T, options: JsonWriteOptions = {}): Promise<void> {
    await this.#write(options, async () => ({ ...(await this.#loadStyle()), value }));
  }

  async #write(options: JsonWriteOptions, next: (guard: Guard) => Promise<Content>): Promise<T> {
    checkOptions(options, JSON_WRITE_OPTIONS);
    const { fencingToken, ...lockOptions } = options;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = systemClock.now() + timeoutMs;
    return withLock(this.#lock, lockOptions, async (guard) => {
      refreshNamesSync(dirname(this.path));
      const { value, style, exists, known } = await next(guard);
      const token = fencingToken ?? guard.fencingToken;
      const text = formatJson(joinToken(value, token), style);
      // What is validated is what will be read back, not the value in memory (Dates, undefined members, toJSON).
      const readBack = splitToken(parse(text, this.path), this.path).value;
      const written = await validated(this.#options.schema, readBack, 'write', this.path);
      const { mode } = this.#options;
      await writeFileDurable(this.path, text, {
        guard,
        fencing: { token, tokenOf: (bytes) => this.#tokenIn(bytes), ...(known && { known }) },
        timeoutMs: Math.max(0, deadline - systemClock.now()),
        ...(options.signal && { signal: options.signal }),
        ...(mode !== undefined && !exists && { mode }),
      });
      return written;
    });
  }

  async #loadStyle(): Promise<Content> {
    const text = await this.#readText();
    const style = text === undefined ? this.#newStyle : styleOf(text, this.#newStyle);
    return { value: undefined, style, exists: text !== undefined };
  }

  async #load(): Promise<Content> {
    return this.#contentOf(await this.#readText(), undefined);
  }

  /**
   * Synchronous: its eight hops to another thread were most of an update of a small file. The check before the rename
   * used to read the whole file so; what was read here saves that.
   */
  #loadUnderLock(): Content {
    let found: NamedContent;
    try {
      found = readReplacedSync(this.path, () => readNamedWithStateSync(this.path));
    } catch (error) {
      return this.#contentOf(this.#unreadable(error), undefined);
    }
    return this.#contentOf(decode(found.bytes), found.state);
  }

  #contentOf(text: string | undefined, state: string | undefined): Content {
    if (text !== undefined) {
      const { value, token } = splitToken(parse(text, this.path), this.path);
      const content = { value, style: styleOf(text, this.#newStyle), exists: true };
      return state === undefined ? content : { ...content, known: { state, token } };
    }
    const { defaultValue } = this.#options;
    if (defaultValue === undefined) throw missing(this.path);
    return { value: copyOf(defaultValue), style: this.#newStyle, exists: false };
  }

  /** Undefined when there is no file. */
  async #readText(): Promise<string | undefined> {
    try {
      return decode(await readReplaced(this.path, () => readNamed(this.path)));
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  /** Undefined for a file that is not there; throws for every other reason. */
  #unreadable(error: unknown): undefined {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    throw errno === undefined ? error : systemError('read', this.path, errno, error);
  }

  /** An unreadable file carries no token: `replace` is how it is put right. */
  #tokenIn(bytes: Uint8Array): bigint | undefined {
    let value: unknown;
    try {
      value = parse(decode(bytes), this.path);
    } catch {
      return undefined;
    }
    return splitToken(value, this.path).token;
  }
}

/** Bytes that are no UTF-8 become a NUL, which JSON refuses; replacement characters would be written back as data. */
function decode(bytes: Uint8Array): string {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : '\0';
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(withoutByteOrderMark(text));
  } catch (error) {
    const fact = text.trim() === '' ? 'it is empty' : `it is no JSON (${(error as Error).message})`;
    throw contentError('read', path, fact, 'Correct it, or replace it', error);
  }
}

function copyOf<T>(value: T | (() => T)): T {
  return typeof value === 'function' ? (value as () => T)() : structuredClone(value);
}

function missing(path: string): LockError {
  return new LockError(
    `Could not read "${path}": it does not exist (ENOENT). Create it, or give a default value.`,
    { code: 'HOLDFAST_IO', resource: path, cause: Object.assign(new Error('ENOENT'), { code: 'ENOENT' }) },
  );
}
