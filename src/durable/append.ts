import { closeSync, constants, fsyncSync, statSync, writeFileSync } from 'node:fs';
import { rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { makeOwnFile } from '../files/make-own.js';
import { NAMED_APPEND, NAMED_CREATE } from '../files/open-named.js';
import { openNamed } from '../files/open-named-async.js';
import { openOwn, openOwnIfThere } from '../files/open-own.js';
import { readReplaced } from '../files/replaced.js';
import { fileRights, giveRights, newDataRights } from '../files/rights.js';
import { readTail, type Tail } from './line-reader.js';

/**
 * Appends `lines` (complete, the last newline included) with one write. The text of a write that was cut short stays
 * where it is: a reader may stand in it, and would take the bytes from there to the next newline for a record that
 * nobody wrote. It is copied aside, and a newline before the lines ends it, in the same write.
 */
export async function appendLines(file: FileHandle, path: string, tail: Tail, lines: string): Promise<void> {
  if (tail.torn.length > 0) copyAside(path, tail.torn);
  const bytes = Buffer.from(tail.torn.length > 0 ? `\n${lines}` : lines);
  // A full disk takes a part and refuses the rest: asking again tells why, and leaves the torn text to the next append.
  for (let offset = 0; offset < bytes.length;) {
    offset += (await file.write(bytes, offset, bytes.length - offset, null)).bytesWritten;
  }
  await file.sync();
}

/** Where the text of writes that were cut short is kept. */
export function tornPath(path: string): string {
  return `${path}.torn`;
}

/** Synchronous: it happens once after a crash. The name is ours, so another user may have put something there. */
function copyAside(path: string, torn: Buffer): void {
  const aside = tornPath(path);
  const flags = constants.O_WRONLY | constants.O_APPEND;
  let file = openOwnIfThere(aside, flags);
  if (file === undefined) {
    makeOwnFile(aside, { rights: fileRights(statSync(path)) });
    file = openOwn(aside, flags);
  }
  try {
    writeFileSync(file, Buffer.concat([torn, Buffer.from('\n')]));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export interface OpenedTail {
  readonly file: FileHandle;
  /** Then its name has to be synced as well. */
  readonly isNew: boolean;
  readonly tail: Tail;
}

/** Opens for appending and reads the end, as `readTail` does. */
export async function openTail(
  path: string,
  mode: number | undefined,
  parse: (line: Buffer) => unknown,
): Promise<OpenedTail> {
  let isNew = false;
  return readReplaced(path, async () => {
    const opened = await openForAppend(path, mode);
    isNew ||= opened.isNew;
    try {
      return { file: opened.file, isNew, tail: await readTail(opened.file, parse) };
    } catch (error) {
      await opened.file.close();
      throw error;
    }
  });
}

async function openForAppend(
  path: string,
  mode: number | undefined,
): Promise<{ file: FileHandle; isNew: boolean }> {
  try {
    return { file: await openNamed(path, NAMED_APPEND), isNew: false };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const file = await openNamed(path, NAMED_CREATE, mode ?? 0o600);
    if (mode === undefined) giveRights(file.fd, newDataRights(statSync(dirname(path))));
    return { file, isNew: true };
  }
}

/** The older files of a rotated one: `.1` is the youngest of them. */
export function rotatedPaths(path: string, keep: number): string[] {
  return Array.from({ length: keep }, (_, index) => `${path}.${index + 1}`);
}

/** Moves every file one number up, from the oldest on: a crash in between leaves a gap, never two under one name. */
export async function rotate(path: string, keep: number): Promise<void> {
  const paths = [path, ...rotatedPaths(path, keep)];
  for (let index = paths.length - 1; index > 0; index--) {
    try {
      await rename(paths[index - 1] as string, paths[index] as string);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}
