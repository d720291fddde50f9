import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { isTrusted, openFailure, splitOwn, type OwnOptions } from './trust.js';

/**
 * Looks at a directory of ours, without waiting for a file server on the event loop. One that is missing is left to the
 * call that follows.
 *
 * Not guaranteed: that it is still the same when it is used. What is done to it is a rename of names that only a lock
 * of ours has.
 *
 * @throws LockError HOLDFAST_PERMISSION when it, or a directory of ours above it, is a link, no directory or of a user
 *   that is not trusted.
 */
export async function assertOwnDirectory(path: string, options: OwnOptions = {}): Promise<void> {
  // Names, links and owners of Windows are others.
  if (process.platform === 'win32') return;
  const { place, names } = splitOwn(path, options.depth ?? 1);
  try {
    const placeStatus = await stat(place);
    let current = place;
    for (const [index, name] of names.entries()) {
      current = join(current, name);
      const found = await lstat(current);
      // A file is a lock of another kind, which is another mistake than a link.
      const isKind = found.isDirectory() || (index === names.length - 1 && found.isFile());
      if (!isKind || !isTrusted(found, placeStatus, options.owner))
        throw openFailure(path, { ...options, isDirectory: true }, 'EPERM');
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return;
    throw errno === undefined ? error : systemError('open', path, errno, error);
  }
}
