import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { isLockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { carriesOurRecord, tryRemoveLockFile } from '../backends/flock/index.js';
import { LOCK_DIRECTORY } from './data-file.js';

/** What {@link cleanLockFiles} did. Absolute paths. */
export interface CleanResult {
  /** With `dryRun`: those that would have been removed. */
  readonly removed: readonly string[];
  /** Ours, but somebody holds them, or they could not be removed. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Removes the lock files in `directory` and in its `.holdfast/locks` that carry our record and that nobody holds,
 * and nothing else. Each is removed under its own exclusive lock.
 *
 * Not guaranteed for programs that lock such a file without looking, once they have the lock, whether it still
 * has its name (flock(1) does not look): clean while they rest.
 *
 * @throws LockError HOLDFAST_PERMISSION or HOLDFAST_IO when the directory cannot be read, HOLDFAST_BACKEND_UNAVAILABLE
 *   without the addon.
 */
// oxlint-disable-next-line require-await -- async, so that failures reject, and so that it may take its time later
export async function cleanLockFiles(
  directory: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<CleanResult> {
  const removed: string[] = [];
  const kept: { path: string; why: string }[] = [];
  for (const path of lockFilesIn(directory)) {
    try {
      const outcome = tryRemoveLockFile(path, { dryRun: options.dryRun ?? false });
      if (outcome === 'removed') removed.push(path);
      else if (outcome === 'held') kept.push({ path, why: 'held' });
    } catch (error) {
      // One file that may not be touched must not keep the others.
      if (!isLockError(error) || error.code === 'HOLDFAST_BACKEND_UNAVAILABLE') throw error;
      kept.push({ path, why: error.message });
    }
  }
  return { removed, kept };
}

/** Files that carry our record, held or not: in `directory`, then in its `.holdfast/locks`. Absolute paths, sorted. */
export function lockFilesIn(directory: string): string[] {
  const here = resolve(directory);
  return [...ourFiles(here, true), ...ourFiles(join(here, LOCK_DIRECTORY), false)];
}

function ourFiles(directory: string, mustExist: boolean): string[] {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (!mustExist && (errno === 'ENOENT' || errno === 'ENOTDIR')) return [];
    throw systemError('read', directory, errno, error);
  }
  // Not through symbolic links: what they point to lies somewhere else.
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(directory, entry.name))
    .filter(carriesOurRecord)
    .sort();
}
