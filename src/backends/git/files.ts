import { readFileSync, unlinkSync } from 'node:fs';

import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { replaceFileSync } from '../../files/replace-sync.js';

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
  try {
    replaceFileSync(path, JSON.stringify(value), { isDurable });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('write', path, errno, error);
  }
}

export function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours to remove: what comes next will tell.
  }
}
