import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { openNamed } from '../files/open-named-async.js';
import { readReplaced, refreshNames } from '../files/replaced.js';

const CHUNK_BYTES = 64 * 1024;
/** Of one reading: every hop to another thread costs as much as parsing 100 short records. */
const READ_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Lines that follow each other, each of which ends in a newline in the file. */
export interface CompleteLines {
  /** All but the last newline. */
  readonly text: string;
  /** Of the first one, in the file. */
  readonly offset: number;
  /** Not changed before the next lines are asked for. */
  readonly bytes: Buffer;
}

/** Fills as much of `into` as there is. */
export type ReadAt = (into: Buffer, position: number) => Promise<{ readonly bytesRead: number }>;

/**
 * The complete lines of an open file, many at a time, in constant memory however long the file is: as much as one
 * reading, or one line. Bytes behind the last newline are being written or were never acknowledged: they are no line.
 */
export async function* completeLines(readAt: ReadAt): AsyncGenerator<CompleteLines> {
  let chunk: Buffer = Buffer.allocUnsafe(READ_BYTES);
  let spare: Buffer | undefined;
  let parts: Buffer[] = [];
  let offset = 0;
  let position = 0;
  let reading = readAt(chunk, position);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const read = chunk.subarray(0, bytesRead);
      position += bytesRead;
      // Ahead, while the caller is busy, but not at the end: what is appended until it comes back belongs to it.
      const isAhead = bytesRead === chunk.length;
      if (isAhead) {
        [chunk, spare] = [spare ?? Buffer.allocUnsafe(READ_BYTES), chunk];
        reading = readAt(chunk, position);
        // It is awaited below, or when the caller leaves.
        reading.catch(() => undefined);
      }
      const end = read.lastIndexOf(NEWLINE);
      if (end >= 0) {
        const tail = read.subarray(0, end);
        const bytes = parts.length === 0 ? tail : Buffer.concat([...parts, tail]);
        yield { text: bytes.toString(), offset, bytes };
        parts = [];
        offset = position - bytesRead + end + 1;
      }
      if (end + 1 < bytesRead) parts.push(Buffer.from(read.subarray(end + 1)));
      if (!isAhead) reading = readAt(chunk, position);
    }
  } finally {
    // The file is closed next.
    await reading.catch(() => undefined);
  }
}

/** The end of the file, for the next append. */
export interface Tail {
  readonly sizeBytes: number;
  /** Bytes behind the last newline: a write that was cut short. Empty in a file in order. */
  readonly torn: Buffer;
  /** What `parse` made of the last complete line that it accepts. */
  readonly last: unknown;
}

/**
 * Reads backwards from the end as far as it needs to. Only under the lock: no other process appends meanwhile. `parse`
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
 * twice (its inode shows it) but skips none: given that names are not old ones, which NFS may show for long. The result
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
