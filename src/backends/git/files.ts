import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';

/** The JSON in the file at `path`; undefined when there is no file. @throws LockError HOLDFAST_PROTOCOL when it is no JSON. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError('read', path, errnoOf(error) ?? 'EIO', error);
  }
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

/**
 * Replaces the file by a synced one: after a power failure it has the old or the new content. `isDurable` also
 * syncs the directory, so that the new content is what is found.
 */
export function replaceJson(path: string, value: unknown, isDurable: boolean): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, 'wx', 0o600);
    writeFileSync(descriptor, JSON.stringify(value));
    if (isDurable) fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    renameSync(temporary, path);
    if (isDurable) syncDirectory(dirname(path));
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    tryUnlink(temporary);
    throw systemError('write', path, errnoOf(error) ?? 'EIO', error);
  }
}

export function syncDirectory(path: string): void {
  // Windows opens no directories, and its file systems journal renames.
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours to remove: what comes next will tell.
  }
}
