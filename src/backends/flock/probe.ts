import { constants } from 'node:os';

import type { Mode } from '../../core/backend.js';
import { systemError } from '../../core/system-error.js';
import { LOCK_DIRECTORY, LOCK_SHARED } from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';

const { EWOULDBLOCK, ENOENT } = constants.errno;

/**
 * Asks the kernel by trying: takes the lock for a moment, without creating or writing anything. For when the
 * lock table proves nothing. A try-lock of another process that falls into that moment fails as if the lock were held.
 *
 * @returns the mode in which others hold it; undefined when it is free, or there is no such file.
 * @throws LockError with the errno when the file cannot be opened.
 */
export function probeHeldMode(path: string): Mode | undefined {
  if (tryFor(path, 0)) return undefined;
  return tryFor(path, LOCK_SHARED) ? 'shared' : 'exclusive';
}

function tryFor(path: string, flags: number): boolean {
  const native = loadNative();
  const result = native.tryLock(path, flags | LOCK_DIRECTORY, 0, undefined);
  if (result === -EWOULDBLOCK) return false;
  if (result === -ENOENT) return true;
  if (result < 0) throw systemError('inspect', path, -result);
  native.unlock(result);
  return true;
}
