import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';

import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { replaceFileSync } from '../../files/replace-sync.js';

/** Bigger is nothing that we write. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Makes `path`, whose parent exists and is trusted, a directory that others cannot fill.
 *
 * @throws LockError HOLDFAST_PERMISSION when something else is there: a link, or a directory that others own or may write.
 */
export function ownDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw systemError('create', path, errnoOf(error) ?? 'EIO', error);
  }
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw untrusted(path, stat, 'it is no directory');
  assertTrusted(path, stat);
}

/** @throws LockError HOLDFAST_PERMISSION when `path` is there and no file that is ours to read and write. */
export function assertOwnFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isFile()) throw untrusted(path, stat, 'it is no regular file');
  assertTrusted(path, stat);
}

/** The text of a file of ours; undefined when there is none. `self`: nobody but this user or root may own it. */
export function readOwn(path: string, owner: 'self' | 'trusted' = 'trusted'): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_BYTES) throw untrusted(path, stat, 'it is no file of ours');
    assertTrusted(path, stat, owner);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof LockError) throw error;
    throw systemError('read', path, errnoOf(error) ?? 'EIO', error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function assertTrusted(path: string, stat: Stats, owner: 'self' | 'trusted' = 'trusted'): void {
  const own = process.geteuid?.();
  // Windows has no such bits, and its profile folders are the user's own.
  if (own === undefined) return;
  const place = lstatSync(dirname(path));
  const owners = owner === 'self' ? [own, 0] : [own, 0, place.uid];
  if (!owners.includes(stat.uid)) throw untrusted(path, stat, 'another user owns it');
  const isShared = (place.mode & 0o020) !== 0 && place.gid === stat.gid;
  if ((stat.mode & (isShared ? 0o002 : 0o022)) !== 0) throw untrusted(path, stat, 'others may write it');
}

function untrusted(path: string, stat: Stats, fact: string): LockError {
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  return new LockError(
    `Could not use "${path}": ${fact} (owner ${stat.uid}, mode ${mode}). Look at who put it there, then remove it.`,
    { code: 'HOLDFAST_PERMISSION', resource: path },
  );
}

/** The JSON in the file at `path`; undefined when there is no file. @throws LockError HOLDFAST_PROTOCOL when it is no JSON. */
export function readJson(path: string): unknown {
  const text = readOwn(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LockError(
      `Could not read "${path}": it is no JSON. Look at what is in it, then move it away.`,
      {
        code: 'HOLDFAST_PROTOCOL',
        resource: path,
        cause,
      },
    );
  }
}

/** Replaces the file; `isDurable`: after a power failure the new content is what is found. */
export function replaceText(path: string, text: string, isDurable: boolean): void {
  try {
    replaceFileSync(path, text, { isDurable });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('write', path, errno, error);
  }
}

export function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours to remove: what comes next finds out.
  }
}
