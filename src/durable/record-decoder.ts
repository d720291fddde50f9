import { withoutByteOrderMark } from './json-text.js';
import type { CompleteLines } from './line-reader.js';
import { describeIssues, type StandardSchema } from './standard-schema.js';
import { isRecord, splitToken, TOKEN_MEMBER } from './token-member.js';

/** A complete line that is no record. */
export interface InvalidLine {
  /** From 1, within its file. */
  readonly lineNumber: number;
  /** Bytes from the beginning of its file. */
  readonly offset: number;
  /** The line, without its end. */
  readonly text: string;
  /** Why it is no record. */
  readonly fact: string;
}

const NEWLINE = 0x0a;

/** Makes records of lines. The others are reported and skipped. */
export class RecordDecoder<T extends object> {
  readonly #path: string;
  readonly #schema: StandardSchema<T> | undefined;
  readonly #onInvalid: ((line: InvalidLine) => void) | undefined;
  #linesBefore = 0;

  constructor(
    path: string,
    schema: StandardSchema<T> | undefined,
    onInvalid: ((line: InvalidLine) => void) | undefined,
  ) {
    this.#path = path;
    this.#schema = schema;
    this.#onInvalid = onInvalid;
  }

  /** Lines are counted from here. */
  beginFile(): void {
    this.#linesBefore = 0;
  }

  /** A promise only where there is a schema, which may have to be awaited. */
  decode(lines: CompleteLines): T[] | Promise<T[]> {
    const texts = lines.text.split('\n');
    const records: T[] = [];
    const validating = this.#schema === undefined ? undefined : this.#validateAll(lines, texts);
    if (validating !== undefined) return validating;
    for (let index = 0; index < texts.length; index++) {
      const value = this.#parse(lines, texts, index);
      if (value !== undefined) records.push(value as T);
    }
    this.#linesBefore += texts.length;
    return records;
  }

  async #validateAll(lines: CompleteLines, texts: readonly string[]): Promise<T[]> {
    const records: T[] = [];
    for (let index = 0; index < texts.length; index++) {
      const value = this.#parse(lines, texts, index);
      if (value === undefined) continue;
      const result = await this.#schema?.['~standard'].validate(value);
      if (result === undefined) continue;
      if (result.issues === undefined) records.push(result.value);
      else this.#report(lines, texts, index, describeIssues(result.issues));
    }
    this.#linesBefore += texts.length;
    return records;
  }

  /** Undefined for an empty line, and for one that was reported. */
  #parse(lines: CompleteLines, texts: readonly string[], index: number): object | undefined {
    const text = texts[index] as string;
    let value: unknown;
    try {
      value = JSON.parse(withoutByteOrderMark(text));
      if (isRecord(value)) {
        return Object.hasOwn(value, TOKEN_MEMBER) ? (splitToken(value, this.#path).value as object) : value;
      }
    } catch (error) {
      if (text.trim() === '') return undefined;
      this.#report(lines, texts, index, `it is no JSON (${(error as Error).message})`);
      return undefined;
    }
    if (Array.isArray(value)) return value;
    this.#report(lines, texts, index, 'it is neither an object nor an array');
    return undefined;
  }

  #report(lines: CompleteLines, texts: readonly string[], index: number, fact: string): void {
    if (this.#onInvalid === undefined) return;
    let start = 0;
    for (let i = 0; i < index; i++) start = lines.bytes.indexOf(NEWLINE, start) + 1;
    const text = texts[index] as string;
    this.#onInvalid({ lineNumber: this.#linesBefore + index + 1, offset: lines.offset + start, text, fact });
  }
}
