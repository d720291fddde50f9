import { open, rename, type FileHandle } from 'node:fs/promises';

import { errnoOf } from '../core/system-error.js';
import { readReplaced } from '../files/replaced.js';
import { readTail, type Tail } from './line-reader.js';

/**
 * Appends `lines` (complete, the last newline included) with one write. The text of a write that was cut short stays
 * where it is: a reader may stand in it, and would take the bytes from there to the next newline for a record that
 * nobody wrote. It is copied aside, and a newline before the lines ends it, in the same write.
 */
export async function appendLines(file: FileHandle, path: string, tail: Tail, lines: string): Promise<void> {
  if (tail.torn.length > 0) await copyAside(path, tail.torn);
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

async function copyAside(path: string, torn: Buffer): Promise<void> {
  const aside = await open(tornPath(path), 'a', 0o600);
  try {
    await aside.writeFile(Buffer.concat([torn, Buffer.from('\n')]));
    await aside.sync();
  } finally {
    await aside.close();
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
  mode: number,
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

async function openForAppend(path: string, mode: number): Promise<{ file: FileHandle; isNew: boolean }> {
  try {
    return { file: await open(path, 'ax+', mode), isNew: true };
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return { file: await open(path, 'a+', mode), isNew: false };
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
