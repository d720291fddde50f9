import { rmSync } from 'node:fs';

import { LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { acquire } from '../locks/acquire.js';
import { lockFor } from '../locks/lock.js';
import { FailureFile } from './failure-record.js';
import { readCacheFile } from './file-reader.js';

/**
 * Removes a cache file and its failure record, under the cache's lock. `false`: there is none.
 *
 * @throws LockError HOLDFAST_PROTOCOL for a file that is no cache, unless `force`; HOLDFAST_TIMEOUT while it is refreshed.
 */
export async function removeCache(
  path: string,
  options: { readonly timeoutMs: number; readonly timeoutSource: string; readonly force: boolean },
): Promise<boolean> {
  const { timeoutMs, timeoutSource, force } = options;
  await using guard = await acquire(lockFor(path), { timeoutMs, timeoutSource, reason: 'removing a cache' });
  const reading = await readCacheFile(path);
  if (reading.kind === 'broken' && !force) {
    throw new LockError(
      `Could not remove "${path}": ${reading.fact}. Remove it by --force, or by hand, if it is a cache all the same.`,
      { code: 'HOLDFAST_PROTOCOL', resource: path },
    );
  }
  guard.assertHeld();
  new FailureFile(path, undefined).remove();
  if (reading.kind === 'missing') return false;
  try {
    rmSync(path);
  } catch (error) {
    throw systemError('remove', path, errnoOf(error) ?? 'EIO', error);
  }
  return true;
}
