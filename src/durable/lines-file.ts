import { statSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Guard } from '../core/guard.js';
import { resolveLinks } from '../files/real-path.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { refreshNames } from '../files/replaced.js';
import type { Written } from './append-queue.js';
import {
  appendWriter,
  spoilCutRecord,
  stateOf,
  type Appended,
  type AppendWriter,
  type FileState,
} from './append-write.js';
import { copyAside, openTail, rotate, rotatedPaths } from './append.js';
import { assertNotFenced } from './fencing.js';
import { withoutByteOrderMark } from './json-text.js';
import { openGenerations, readTail } from './line-reader.js';
import { splitToken } from './token-member.js';

/** The file keeps changing between the look at its end and the write, although the lock is held. */
const CHANGE_LIMIT = 10;
const NEWLINE = 0x0a;
const SIZE = 2;

export interface LinesFileOptions {
  readonly mode?: number;
  readonly rotation?: { readonly maxSizeBytes: number; readonly keep: number };
}

/** The end of a file, as it was in that state. */
interface End {
  readonly path: string;
  readonly state: FileState;
  /** The token of the last record. */
  readonly token: bigint | undefined;
  /** What stands behind the last newline. */
  readonly torn: Uint8Array;
  /** This object has not synced the directory since it first met this file. */
  readonly isNew: boolean;
}

/** One append: the hold and the token it is made under, and its lines. */
interface Order {
  readonly guard: Guard;
  readonly token: bigint | undefined;
  readonly text: string;
}

/**
 * The writing side of a JSON Lines file; its lock is held by the caller.
 *
 * INV-APPEND-6 What is remembered of the end of the file counts only where fstat(2), in the job that writes, shows the
 * same device, inode, size and time of change; otherwise the end is read again before anything is written.
 */
export class LinesFile {
  readonly path: string;
  readonly #options: LinesFileOptions;
  readonly #writer: AppendWriter;
  #end: End | undefined;
  /** Device and inode of the file whose name is on disk. */
  #syncedName: string | undefined;

  constructor(path: string, options: LinesFileOptions, writer: AppendWriter = appendWriter()) {
    this.path = path;
    this.#options = options;
    this.#writer = writer;
  }

  /**
   * Appends the texts (complete lines) with one write and one sync.
   *
   * @throws what stands against each of them: an older token, a lost hold, a file that cannot be opened.
   */
  async append(guard: Guard, token: bigint | undefined, texts: readonly string[]): Promise<Written> {
    const text = texts.join('');
    for (let attempts = 1; ; attempts++) {
      const path = readReplacedSync(this.path, () => resolveLinks(this.path));
      const end = await this.#endOf(path, { guard, token, text });
      guard.assertHeld();
      const isTorn = end.torn.length > 0;
      if (isTorn) copyAside(path, end.torn);
      const bytes = Buffer.from(isTorn ? `\n${text}` : text);
      const sizeBytes = Number(end.state[SIZE]);
      this.#end = undefined;
      const appended = await this.#writer({ path, bytes, state: end.state, isNew: end.isNew });
      if (appended.kind === 'changed' && attempts < CHANGE_LIMIT) continue;
      if (appended.kind === 'written') this.#remember(end, token);
      else if (appended.kind === 'cut') await spoilIfWhole(path, sizeBytes, bytes, appended.writtenBytes);
      return writtenOf(appended, texts, isTorn ? 1 : 0);
    }
  }

  #remember(end: End, token: bigint | undefined): void {
    this.#syncedName = nameOf(end.state);
    if (end.state[SIZE] === 0n) return;
    this.#end = { ...end, token: token ?? end.token, torn: new Uint8Array(), isNew: false };
  }

  async #endOf(path: string, order: Order): Promise<End> {
    const { guard, token, text } = order;
    const known = this.#end;
    if (known?.path === path && this.#isUsable(known, order)) return known;
    await refreshNames(dirname(path));
    const { mode } = this.#options;
    let opened = await openTail(path, mode, parseLine);
    try {
      const found = tokenOf(opened.tail.last ?? (await this.#lastRotated(path)), this.path);
      assertNotFenced(this.path, token, found);
      if (this.#isRotationDue(opened.tail.sizeBytes, text)) {
        guard.assertHeld();
        await opened.file.close();
        await rotate(path, this.#options.rotation?.keep ?? 1);
        opened = await openTail(path, mode, parseLine);
      }
      const state = await stateOf(opened.file);
      const isNew = this.#syncedName !== nameOf(state);
      return { path, state, token: found, torn: opened.tail.torn, isNew };
    } finally {
      await opened.file.close();
    }
  }

  /** What is remembered refuses no caller: another file may have its place by now. */
  #isUsable(known: End, { token, text }: Order): boolean {
    const isFenced = known.token !== undefined && (token === undefined || token < known.token);
    return !isFenced && !this.#isRotationDue(Number(known.state[SIZE]), text);
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

  #isRotationDue(sizeBytes: number, text: string): boolean {
    const { rotation } = this.#options;
    if (rotation === undefined || sizeBytes === 0) return false;
    return sizeBytes + Buffer.byteLength(text) > rotation.maxSizeBytes;
  }
}

function writtenOf(appended: Appended, texts: readonly string[], leadBytes: number): Written {
  if (appended.kind === 'written') return { count: texts.length };
  if (appended.kind === 'changed')
    return { count: 0, error: Object.assign(new Error('it keeps changing'), { code: 'EAGAIN' }) };
  if (appended.kind === 'unsynced') return { count: 0, error: appended.error };
  let left = appended.writtenBytes - leadBytes;
  const cutAt = texts.findIndex((text) => (left -= Buffer.byteLength(text)) < 0);
  return { count: cutAt, error: appended.error, isRestUntouched: true };
}

async function spoilIfWhole(
  path: string,
  sizeBytes: number,
  bytes: Uint8Array,
  writtenBytes: number,
): Promise<void> {
  const position = sizeBytes + writtenBytes - 1;
  if (writtenBytes === 0 || bytes[writtenBytes] !== NEWLINE) return;
  if (statSync(path).size === position + 1) await spoilCutRecord(path, position);
}

function nameOf(state: FileState): string {
  return `${state[0]}:${state[1]}`;
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(withoutByteOrderMark(line.toString()));
  } catch {
    return undefined;
  }
}

/** Every fenced append carries a token at least as high as the one before, so the last record has the highest. */
function tokenOf(last: unknown, path: string): bigint | undefined {
  return last === undefined ? undefined : splitToken(last, path).token;
}
