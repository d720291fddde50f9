import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { openNamed } from '../files/open-named-async.js';
import { readReplaced, refreshNames } from '../files/replaced.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** One line that ends in a newline, and where it begins. */
export interface CompleteLine {
  readonly text: Buffer;
  readonly offset: number;
}

/** Fills as much of `into` as there is. */
export type ReadAt = (into: Buffer, position: number) => Promise<{ readonly bytesRead: number }>;

/**
 * The complete lines of an open file, in constant memory however long the file is. Bytes behind the last newline are
 * being written or were never acknowledged: they are no line.
 */
export async function* completeLines(readAt: ReadAt): AsyncGenerator<CompleteLine> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let parts: Buffer[] = [];
  let lineOffset = 0;
  for (let position = 0; ;) {
    const { bytesRead } = await readAt(chunk, position);
    if (bytesRead === 0) return;
    const read = chunk.subarray(0, bytesRead);
    let start = 0;
    for (let end = read.indexOf(NEWLINE); end >= 0; end = read.indexOf(NEWLINE, start)) {
      const tail = read.subarray(start, end);
      yield {
        text: parts.length === 0 ? Buffer.from(tail) : Buffer.concat([...parts, tail]),
        offset: lineOffset,
      };
      parts = [];
      start = end + 1;
      lineOffset = position + start;
    }
    if (start < bytesRead) parts.push(Buffer.from(read.subarray(start)));
    position += bytesRead;
  }
}

/** What the end of the file looks like to one who is about to append. */
export interface Tail {
  readonly sizeBytes: number;
  /** Bytes behind the last newline: a write that was cut short. Empty in a file in order. */
  readonly torn: Buffer;
  /** What `parse` made of the last complete line that it accepts. */
  readonly last: unknown;
}

/**
 * Reads backwards from the end as far as it needs to. Only under the lock: nobody else appends meanwhile. `parse`
 * answers undefined for a line that does not count.
 */
export async function readTail(file: FileHandle, parse: (line: Buffer) => unknown): Promise<Tail> {
  const sizeBytes = (await file.stat()).size;
  let tail: Buffer = Buffer.alloc(0);
  for (let start = sizeBytes; ;) {
    const end = tail.lastIndexOf(NEWLINE);
    const torn = tail.subarray(end + 1);
    const last = lastParsed(tail.subarray(0, Math.max(0, end)), start === 0, parse);
    if (start === 0 || last !== undefined) return { sizeBytes, torn, last };
    // Doubling, so that one line of any length costs linear time.
    const more = Math.min(start, Math.max(CHUNK_BYTES, tail.length));
    start -= more;
    const piece = Buffer.alloc(more);
    await readFully(file, piece, start);
    tail = Buffer.concat([piece, tail]);
  }
}

function lastParsed(complete: Buffer, isFromFileStart: boolean, parse: (line: Buffer) => unknown): unknown {
  for (let end = complete.length; end > 0;) {
    const start = complete.lastIndexOf(NEWLINE, end - 1) + 1;
    if (start === 0 && !isFromFileStart) return undefined;
    const parsed = parse(complete.subarray(start, end));
    if (parsed !== undefined) return parsed;
    end = start - 1;
  }
  return undefined;
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) return;
    done += bytesRead;
  }
}

/**
 * Opens the newest file first. A rotation in between moves every file to a higher number, so going upwards meets one
 * twice (told by its inode) but skips none: given that names are not old ones, which NFS may show for long. The result
 * runs from the oldest to the newest.
 */
export async function openGenerations(paths: readonly string[]): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  const seen = new Set<string>();
  await refreshNames(dirname(paths[0] ?? ''));
  try {
    for (const path of paths) {
      const opened = await readReplaced(path, () => openWithKey(path));
      if (opened === undefined) continue;
      const { file, key } = opened;
      if (seen.has(key)) {
        await file.close();
        continue;
      }
      seen.add(key);
      files.push(file);
    }
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  return files.reverse();
}

/** Undefined when there is no such file. */
async function openWithKey(path: string): Promise<{ file: FileHandle; key: string } | undefined> {
  const file = await openNamed(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  try {
    const status = await file?.stat({ bigint: true });
    return file && { file, key: `${status?.dev}:${status?.ino}` };
  } catch (error) {
    await file?.close();
    throw error;
  }
}
