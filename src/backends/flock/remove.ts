import { unlinkSync } from 'node:fs';
import { constants } from 'node:os';

import { errnoOf, systemError } from '../../core/system-error.js';
import { loadNative } from '../../platform/native.js';
import { carriesOurRecord } from './record.js';

const { EWOULDBLOCK, ENOENT } = constants.errno;

/**
 * Removes a lock file of ours that nobody holds. Safe only because every acquirer of ours looks, once it has
 * the lock, whether the path still names the file it locked: those who opened it before start over. Programs
 * that do not look would then hold the lock of a file without a name.
 *
 * @returns `held` when somebody has it, `gone` when it vanished or is not ours after all.
 */
export function tryRemoveLockFile(
  path: string,
  options: { readonly dryRun: boolean },
): 'removed' | 'held' | 'gone' {
  const native = loadNative();
  const handle = native.tryLock(path, 0, 0, undefined);
  if (handle === -EWOULDBLOCK) return 'held';
  if (handle === -ENOENT) return 'gone';
  if (handle < 0) throw systemError('clean', path, -handle);
  try {
    // Between the first look and the lock it may have become another file.
    if (!carriesOurRecord(path) || native.verify(handle) !== 1) return 'gone';
    if (!options.dryRun) unlinkSync(path);
    return 'removed';
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('clean', path, errno, error);
  } finally {
    native.unlock(handle);
  }
}
