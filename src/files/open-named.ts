import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
  type BigIntStats,
  type Stats,
} from 'node:fs';

import { LockError } from '../core/errors.js';
import { errnoOf } from '../core/system-error.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL } = constants;

// Synchronous, because `run` must not load node:fs/promises; `open-named-async.ts` has the other half.

/** Flags that open a file which the user named, without waiting for the other end of a FIFO. */
export const NAMED_READ = O_RDONLY | O_NONBLOCK;
/** Without O_CREAT: fs.protected_regular refuses that on files of others in /tmp, which may be written all the same. */
export const NAMED_APPEND = O_RDWR | O_APPEND | O_NONBLOCK;
export const NAMED_CREATE = O_RDWR | O_APPEND | O_CREAT | O_EXCL;

/**
 * The content of a regular file that the user named. Links are followed, as every program follows them.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for a FIFO, a device or a socket; the error of the system call otherwise.
 */
export function readNamedSync(path: string): Buffer {
  const file = openSync(path, NAMED_READ);
  try {
    assertRegular(path, fstatSync(file));
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** A content and what fstat(2) said of its file: another file, or another content, has another state. */
export interface NamedContent {
  readonly bytes: Buffer;
  readonly state: string;
}

/** {@link readNamedSync}, with the state to compare later by {@link namedState}. */
export function readNamedWithStateSync(path: string): NamedContent {
  const file = openSync(path, NAMED_READ);
  try {
    const status = fstatSync(file, { bigint: true });
    assertRegular(path, status);
    return { bytes: readFileSync(file), state: stateText(status) };
  } finally {
    closeSync(file);
  }
}

/** The state of what `path` names now; undefined when it cannot be looked at. Follows links. */
export function namedState(path: string): string | undefined {
  try {
    return stateText(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

function stateText({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/**
 * A descriptor that appends to what the user named, which is created where it is missing. A FIFO or a device will do,
 * and a file that may be written but not read.
 *
 * @throws the error of the system call; ENXIO for a FIFO without a reader.
 */
export function openNamedLogSync(path: string): number {
  for (;;) {
    try {
      return openSync(path, O_WRONLY | O_APPEND | O_NONBLOCK);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    try {
      // Not exclusive: a dangling link is a name of the file that is created.
      return openSync(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT);
    } catch (error) {
      // Created by another user since the first attempt.
      if (errnoOf(error) !== 'EACCES' || !existsSync(path)) throw error;
    }
  }
}

/** @throws LockError HOLDFAST_UNSUPPORTED; a directory is left to the call that follows, which says EISDIR. */
export function assertRegular(path: string, status: Stats | BigIntStats): void {
  if (status.isFile() || status.isDirectory()) return;
  const kind = status.isFIFO() ? 'a FIFO' : status.isSocket() ? 'a socket' : 'a device';
  throw new LockError(`Could not open "${path}": it is ${kind}, not a regular file. Name another path.`, {
    code: 'HOLDFAST_UNSUPPORTED',
    resource: path,
  });
}
