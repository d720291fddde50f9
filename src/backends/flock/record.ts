import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';

import { decodeRecord, isOurRecord, type HolderRecord } from '../../core/holder.js';

/** The C side writes no longer ones. */
const RECORD_BYTES = 8192;

/**
 * The lock file's record of its last exclusive holder, which may be long gone: compare with the kernel's table
 * before believing it. undefined when the file is not ours, torn, or may not be read.
 */
export function readRecord(path: string): HolderRecord | undefined {
  const text = readHead(path);
  return text === undefined ? undefined : decodeRecord(text);
}

/** True for a regular file that begins with our magic. */
export function carriesOurRecord(path: string): boolean {
  const text = readHead(path);
  return text !== undefined && isOurRecord(text);
}

/**
 * True for an empty file with the name of a lock. Only in a side folder, where every name is ours: shared holders leave
 * no record, so a lock that was never held exclusively is such a file.
 */
export function isBlankLockFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === 0 && path.endsWith('.lock');
}

function readHead(path: string): string | undefined {
  let file: number | undefined;
  try {
    // Non-blocking, because opening a fifo would wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size === 0) return undefined;
    const buffer = Buffer.alloc(Math.min(stat.size, RECORD_BYTES));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
