import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';

import { LockError } from '../core/errors.js';
import { errnoBehind, errnoName, errnoOf, systemError } from '../core/system-error.js';
import { isProcOurs } from '../platform/process-stat.js';
import { availableNative } from '../platform/native.js';
import { isTrusted, openFailure, splitOwn, type OwnOptions } from './trust.js';

/** Absent from node:fs. Opens a directory that may be searched but not read. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Bytes that a file of ours may have unless its reader expects more. */
export const OWN_FILE_BYTES_MAX = 1024 * 1024;

/**
 * Opens a file that we made up the name of, as if another user could have put it there: component by component below
 * the place, no links, no waiting for a FIFO; it must be a regular file of a trusted owner. Nothing is created.
 *
 * @param flags of open(2): the access mode, O_APPEND; O_DIRECTORY for a directory.
 * @throws LockError HOLDFAST_PERMISSION naming the component, its owner and mode; HOLDFAST_IO, with the errno as the
 *   `code` of its cause (ENOENT when it is not there).
 */
export function openOwn(path: string, flags: number, options: OwnOptions = {}): number {
  const { depth = 1, owner } = options;
  const native = availableNative();
  if (native?.openOwn === undefined) return openStepwise(path, flags, options);
  const user = owner === 'anyone' ? -2 : (owner ?? -1);
  const result = native.openOwn(path, depth, user, flags);
  if (result >= 0) return result;
  throw failure(path, flags, options, errnoName(-result));
}

/** {@link openOwn}, or undefined when it is not there. */
export function openOwnIfThere(path: string, flags: number, options: OwnOptions = {}): number | undefined {
  try {
    return openOwn(path, flags, options);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** True for the error of a file of ours that does not exist. */
export function isMissing(error: unknown): boolean {
  return errnoBehind(error) === 'ENOENT';
}

/**
 * The content of a file of ours; undefined when it is not there.
 *
 * @throws LockError what {@link openOwn} throws; HOLDFAST_PROTOCOL for a file larger than `maxSizeBytes`.
 */
export function readOwn(
  path: string,
  options: OwnOptions & { readonly maxSizeBytes?: number } = {},
): Buffer | undefined {
  const { maxSizeBytes = OWN_FILE_BYTES_MAX } = options;
  const file = openOwnIfThere(path, O_RDONLY, options);
  if (file === undefined) return undefined;
  try {
    const { size } = fstatSync(file);
    if (size > maxSizeBytes) throw tooLarge(path, size, maxSizeBytes);
    // One byte more than there is shows a file that has grown since.
    const buffer = Buffer.alloc(size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, length);
    }
    return buffer.subarray(0, length);
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('read', path, errno, error);
  } finally {
    closeSync(file);
  }
}

/** A directory of ours that is open, so that its entries cannot be exchanged for those of another. */
export interface OwnDirectory {
  /** A path for calls of node:fs on the entry `name`; valid until `close`. */
  at(name: string): string;
  close(): void;
}

/**
 * Opens a directory of ours, or with `depth` 0 the place itself.
 *
 * @throws what {@link openOwn} throws.
 */
export function openOwnDirectory(path: string, options: OwnOptions = {}): OwnDirectory {
  if (process.platform === 'win32') {
    if (options.depth !== 0) assertPlainPath(path, options);
    return { at: (name) => join(path, name), close: () => undefined };
  }
  const fd =
    options.depth === 0
      ? openPlace(path)
      : openOwn(path, O_DIRECTORY | (isProcOurs() ? O_PATH : O_RDONLY), options);
  const base = isProcOurs() ? `/proc/self/fd/${fd}` : path;
  return { at: (name) => join(base, name), close: () => closeSync(fd) };
}

function openPlace(path: string): number {
  try {
    return openSync(path, O_DIRECTORY | (isProcOurs() ? O_PATH : O_RDONLY));
  } catch (error) {
    throw systemError('open', path, errnoOf(error) ?? 'EIO', error);
  }
}

/** How files of ours are opened on this machine, for people. */
export function openingMethod(): string {
  if (availableNative()?.openOwn !== undefined) return 'openat(2), by the addon';
  return isProcOurs()
    ? '/proc/self/fd, without the addon'
    : 'lstat before and fstat after, without the addon';
}

/** The way of `native/own_posix.c` out of Node's own calls. */
function openStepwise(path: string, flags: number, options: OwnOptions): number {
  const { place, names } = splitOwn(path, options.depth ?? 1);
  const canWalk = isProcOurs();
  let directory: number | undefined;
  let current = place;
  try {
    const status = statSync(place);
    if (canWalk) directory = openSync(place, O_DIRECTORY | O_PATH);
    for (const [index, name] of names.entries()) {
      current = join(current, name);
      const isLast = index === names.length - 1;
      if (!isLast && !canWalk) {
        const found = lstatSync(current);
        if (!found.isDirectory() || !isTrusted(found, status, options.owner)) throw denied();
        continue;
      }
      const target = directory === undefined ? current : `/proc/self/fd/${directory}/${name}`;
      const next = openStep(target, isLast ? flags : O_DIRECTORY | O_PATH, (found) =>
        isTrusted(found, status, options.owner),
      );
      if (directory !== undefined) closeSync(directory);
      directory = undefined;
      if (isLast) return next;
      directory = next;
    }
    throw denied();
  } catch (error) {
    if (directory !== undefined) closeSync(directory);
    throw failure(path, flags, options, errnoOf(error) ?? 'EIO');
  }
}

function openStep(path: string, flags: number, isRight: (found: Stats) => boolean): number {
  const before = lstatSync(path);
  if (before.isSymbolicLink()) throw denied();
  const fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK);
  const found = fstatSync(fd);
  const isSame = found.ino === before.ino && found.dev === before.dev;
  const isKind = (flags & O_DIRECTORY) === 0 || O_DIRECTORY === 0 ? found.isFile() : found.isDirectory();
  if (isSame && isKind && isRight(found)) return fd;
  closeSync(fd);
  throw denied();
}

function assertPlainPath(path: string, options: OwnOptions): void {
  const { place, names } = splitOwn(path, options.depth ?? 1);
  let current = place;
  for (const name of names) {
    current = join(current, name);
    try {
      if (lstatSync(current).isDirectory()) continue;
    } catch (error) {
      throw systemError('open', path, errnoOf(error) ?? 'EIO', error);
    }
    throw openFailure(path, { ...options, isDirectory: true }, 'EPERM');
  }
}

function denied(): Error {
  return Object.assign(new Error('EPERM'), { code: 'EPERM' });
}

function failure(path: string, flags: number, options: OwnOptions, errno: string): LockError {
  if (errno === 'ENOENT') return systemError('open', path, errno);
  return openFailure(path, { ...options, isDirectory: (flags & O_DIRECTORY) !== 0 }, errno);
}

function tooLarge(path: string, size: number, maxSizeBytes: number): LockError {
  return new LockError(
    `Could not read "${path}": it has ${size} bytes, and no file of its kind has more than ${maxSizeBytes}. Look at what is in it, then move it away.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}
