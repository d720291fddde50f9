import { closeSync, constants, fdatasyncSync, fsyncSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

import { errnoOf, systemError } from '../../core/system-error.js';
import { makeOwnFile } from '../../files/make-own.js';
import { openOwn, openOwnIfThere, readOwn } from '../../files/open-own.js';
import { syncDirectorySync } from '../../files/sync-directory.js';
import { STATE_DEPTH } from './files.js';

const OWN = { depth: STATE_DEPTH };

/** Room for some 80 events. */
export const LOG_BYTES = 64 * 1024;

/**
 * Lines in a file whose length never changes: to overwrite bytes that are there and `fdatasync` them is one flush of one
 * block, where a new synced file is two commits of the file system's journal, and a claim waits for that.
 *
 * A line is `CRC-32 SP JSON LF`; the first one that is torn, or not the next in number, ends the log. Under the store's
 * local lock only.
 */
export class OperationLog<Operation> {
  readonly #path: string;
  #endBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What was appended after the operation of number `after`, and the number of the last. */
  read(after: number): { readonly operations: readonly Operation[]; readonly last: number } {
    const operations: Operation[] = [];
    let last: number | undefined;
    this.#endBytes = 0;
    for (const line of this.#lines()) {
      const entry = entryIn<Operation>(line);
      if (entry === undefined || (last !== undefined && entry.number !== last + 1)) break;
      last = entry.number;
      this.#endBytes += Buffer.byteLength(line) + 1;
      if (entry.number > after) operations.push(entry.operation);
    }
    // Lines that a checkpoint has overtaken: what comes next is written over them.
    if (operations.length === 0) this.#endBytes = 0;
    return { operations, last: Math.max(after, last ?? 0) };
  }

  /** False, and nothing written, when there is no room or no file yet. `isDurable`: it survives a power failure. */
  tryAppend(operations: readonly Operation[], firstNumber: number, isDurable: boolean): boolean {
    const text = operations.map((operation, index) => lineOf(firstNumber + index, operation)).join('');
    // The NUL ends the log before whatever older lines lie behind.
    const bytes = Buffer.from(`${text}\0`);
    if (this.#endBytes + bytes.length > LOG_BYTES) return false;
    const descriptor = openOwnIfThere(this.#path, constants.O_RDWR, OWN);
    if (descriptor === undefined) return false;
    try {
      writeSync(descriptor, bytes, 0, bytes.length, this.#endBytes);
      if (isDurable) fdatasyncSync(descriptor);
    } catch (error) {
      throw systemError('write', this.#path, errnoOf(error) ?? 'EIO', error);
    } finally {
      closeSync(descriptor);
    }
    this.#endBytes += bytes.length - 1;
    return true;
  }

  /** Empties it, or makes it. Only once a durable checkpoint holds all of it. */
  reset(): void {
    try {
      makeOwnFile(this.#path, OWN);
      const descriptor = openOwn(this.#path, constants.O_WRONLY, OWN);
      try {
        writeSync(descriptor, Buffer.alloc(LOG_BYTES), 0, LOG_BYTES, 0);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      syncDirectorySync(dirname(this.#path));
    } catch (error) {
      const errno = errnoOf(error);
      throw errno === undefined ? error : systemError('write', this.#path, errno, error);
    }
    this.#endBytes = 0;
  }

  #lines(): string[] {
    const bytes = readOwn(this.#path, OWN);
    if (bytes === undefined) return [];
    const end = bytes.indexOf(0);
    // What follows the last newline is torn.
    return bytes
      .subarray(0, end < 0 ? bytes.length : end)
      .toString('utf8')
      .split('\n')
      .slice(0, -1);
  }
}

function lineOf(number: number, operation: unknown): string {
  const json = JSON.stringify({ number, operation });
  return `${checksum(json)} ${json}\n`;
}

function entryIn<Operation>(line: string): { number: number; operation: Operation } | undefined {
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${checksum(json)} `) return undefined;
  return JSON.parse(json) as { number: number; operation: Operation };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
