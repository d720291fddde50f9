import { closeSync, constants, fsyncSync, writeFileSync } from 'node:fs';
import { rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { makeOwnFile } from '../files/make-own.js';
import { NAMED_APPEND, NAMED_CREATE } from '../files/open-named.js';
import { openNamed } from '../files/open-named-async.js';
import { openOwn, openOwnIfThere } from '../files/open-own.js';
import { readReplaced } from '../files/replaced.js';
import { besideOf, fileRights, giveRights, newDataRights } from '../files/rights.js';
import { readTail, type Tail } from './line-reader.js';

/** Where the text of writes that were cut short is kept. */
export function tornPath(path: string): string {
  return `${path}.torn`;
}

/**
 * The text of a write that was cut short stays where it is: a reader may stand in it, and would take the bytes from there
 * to the next newline for a record that was never written. Before a newline ends it, it is copied aside. Synchronous: it
 * happens once after a crash. The name is ours, so another user may have put something there.
 */
export function copyAside(path: string, torn: Uint8Array): void {
  const aside = tornPath(path);
  const flags = constants.O_WRONLY | constants.O_APPEND;
  let file = openOwnIfThere(aside, flags);
  if (file === undefined) {
    makeOwnFile(aside, { rights: fileRights(besideOf(path)) });
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
  readonly tail: Tail;
}

/** Opens for appending and reads the end, as `readTail` does. */
export async function openTail(
  path: string,
  mode: number | undefined,
  parse: (line: Buffer) => unknown,
): Promise<OpenedTail> {
  return readReplaced(path, async () => {
    const file = await openForAppend(path, mode);
    try {
      return { file, tail: await readTail(file, parse) };
    } catch (error) {
      await file.close();
      throw error;
    }
  });
}

async function openForAppend(path: string, mode: number | undefined): Promise<FileHandle> {
  try {
    return await openNamed(path, NAMED_APPEND);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const file = await openNamed(path, NAMED_CREATE, mode ?? 0o600);
    if (mode === undefined) giveRights(file.fd, newDataRights(besideOf(dirname(path))));
    return file;
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
