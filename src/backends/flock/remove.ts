import { unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';

import { errnoName, errnoOf, systemError } from '../../core/system-error.js';
import { openParent } from '../../files/make-own.js';
import { ownPartOf } from '../../files/side-folder.js';
import { openFailure } from '../../files/trust.js';
import { lockOwn } from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';
import type { OwnPart } from './config.js';
import { carriesOurRecord, isBlankLockFile } from './record.js';

const { EWOULDBLOCK, ENOENT } = constants.errno;

/**
 * Removes a lock file of ours that is free. Safe only because every acquirer of ours looks, once it has
 * the lock, whether the path still names the file it locked: an acquirer that opened it before starts over. Programs
 * that do not look would then hold the lock of a file without a name.
 *
 * @returns `held` when another process has it, `gone` when it vanished or is not ours after all.
 */
export function tryRemoveLockFile(
  path: string,
  options: { readonly dryRun: boolean },
): 'removed' | 'held' | 'gone' {
  const native = loadNative();
  const own = process.platform === 'win32' ? undefined : ownPartOf(path);
  const handle = native.tryLock(path, own === undefined ? 0 : lockOwn(own.depth), own?.owner ?? 0, undefined);
  if (handle === -EWOULDBLOCK) return 'held';
  if (handle === -ENOENT) return 'gone';
  if (handle < 0 && own !== undefined) throw openFailure(path, own, errnoName(-handle));
  if (handle < 0) throw systemError('clean', path, -handle);
  try {
    // Between the first look and the lock it may have become another file.
    const isOurs = carriesOurRecord(path) || (own !== undefined && isBlankLockFile(path));
    if (!isOurs || native.verify(handle) !== 1) return 'gone';
    if (!options.dryRun) unlink(path, own);
    return 'removed';
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('clean', path, errno, error);
  } finally {
    native.unlock(handle);
  }
}

/** Where the directory has a name of ours, through a descriptor of it: it may be exchanged for a link meanwhile. */
function unlink(path: string, own: OwnPart | undefined): void {
  if (own === undefined) return unlinkSync(path);
  const directory = openParent(path, own, own.depth);
  try {
    unlinkSync(directory.at(basename(path)));
  } finally {
    directory.close();
  }
}
