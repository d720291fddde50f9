import { close, closeSync, fsync, fsyncSync, open, openSync } from 'node:fs';

import { errnoOf, systemError } from '../core/system-error.js';

// With callbacks, because every `run` would take a millisecond to load node:fs/promises.

/**
 * What file systems answer that cannot sync a directory. There is nothing stronger to ask of them (fsync(2)), so this
 * is the one policy: it is no error, for any caller. Every other failure is one.
 */
const UNSUPPORTED = new Set(['EINVAL', 'EBADF', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** True for the errno of a directory's fsync that only means that this file system has no such thing. */
export function isSyncUnsupported(errno: string | undefined): boolean {
  return errno !== undefined && UNSUPPORTED.has(errno);
}

/**
 * Waits until the names in a directory are on disk. After a power failure, files that were created, renamed or removed
 * by other means than {@link writeFileDurable} are sure to be found, or to be gone, only then: syncing a file does not
 * cover its name. Does nothing on Windows, which has no such call, and on file systems that cannot sync a directory.
 *
 * @throws LockError HOLDFAST_IO or HOLDFAST_PERMISSION
 * @example
 * await rename('next', 'current');
 * await syncDirectory('.');
 */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const directory = await new Promise<number>((resolve, reject) => {
      open(path, 'r', (error, fd) => (error === null ? resolve(fd) : reject(error)));
    });
    await new Promise<void>((resolve, reject) => {
      fsync(directory, (error) => {
        close(directory, () => (error === null ? resolve() : reject(error)));
      });
    });
  } catch (error) {
    ignoreUnsupported(path, error);
  }
}

/** {@link syncDirectory} for a thread that may wait. */
export function syncDirectorySync(path: string): void {
  if (process.platform === 'win32') return;
  try {
    const directory = openSync(path, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    ignoreUnsupported(path, error);
  }
}

function ignoreUnsupported(path: string, error: unknown): void {
  const errno = errnoOf(error);
  if (!isSyncUnsupported(errno)) throw systemError('sync', path, errno ?? 'EIO', error);
}
