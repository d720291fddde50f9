import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { LockError } from '../../core/errors.js';
import { isOurRecord } from '../../core/holder.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { readReplacedSync, refreshNamesSync } from '../../platform/replaced-file-sync.js';

/** Where the counter of a lock lives: beside it, because a mere `exec 9>lock` of a script truncates the lock itself. */
export function tokenPath(lockPath: string): string {
  return `${lockPath}.token`;
}

/**
 * The next fencing token of the lock that `descriptor` holds exclusively. On disk before it is given out, so that it
 * rises over crashes and power failures; blocks the thread for two fsyncs. A missing counter starts at Unix
 * milliseconds, above whatever a deleted one had reached.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for a directory or a file that is not ours; HOLDFAST_PROTOCOL for a counter
 *   that cannot be read; HOLDFAST_IO, HOLDFAST_PERMISSION.
 */
export function nextToken(lockPath: string, descriptor: number, wallNowMs: number): bigint {
  if (!isOurs(descriptor)) {
    throw new LockError(
      `Could not number the holds of "${lockPath}": it is not a lock file of ours. Lock a file of its own, or do without fencing.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: lockPath },
    );
  }
  const path = tokenPath(lockPath);
  const last = lastToken(path);
  const token = last === undefined ? BigInt(Math.floor(wallNowMs)) : last + 1n;
  try {
    replaceDurably(path, `${token}\n`);
  } catch (error) {
    throw systemError('number the holds of', lockPath, errnoOf(error) ?? 'EIO', error);
  }
  return token;
}

function isOurs(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) return false;
  if (stat.size === 0) return true;
  const head = Buffer.alloc(64);
  const length = readSync(descriptor, head, 0, head.length, 0);
  return isOurRecord(head.toString('latin1', 0, length));
}

function lastToken(path: string): bigint | undefined {
  let text: string;
  refreshNamesSync(dirname(path));
  try {
    text = readReplacedSync(path, () => readFileSync(path, 'latin1'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError('read', path, errnoOf(error) ?? 'EIO', error);
  }
  if (/^\d{1,20}\n$/.test(text)) return BigInt(text.trim());
  throw new LockError(
    `Could not read "${path}": it is no counter. Put back the last number it held, or delete it to start at the time of day.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}

function replaceDurably(path: string, text: string): void {
  const fresh = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = openSync(fresh, 'wx', 0o600);
    try {
      if (writeSync(file, text) !== text.length)
        throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
