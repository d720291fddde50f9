import { open } from 'node:fs/promises';

import { errnoOf, systemError } from '../core/system-error.js';

/**
 * Waits until the names in a directory are on disk. Files that were created, renamed or removed by other means than
 * {@link writeFileDurable} are sure to be found, or to be gone, after a power failure only then: syncing a file does not
 * cover its name. Windows has no such call and does nothing here; nor do file systems that cannot do it.
 *
 * @throws LockError HOLDFAST_IO or HOLDFAST_PERMISSION
 * @example
 * await rename('next', 'current');
 * await syncDirectory('.');
 */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    // A file system that cannot sync directories; there is nothing stronger to ask of it (fsync(2)).
    if (errnoOf(error) !== 'EINVAL') throw systemError('sync', path, errnoOf(error) ?? 'EIO', error);
  }
}
