import { readdirSync, type Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { BOOLEAN, checkOptions, show } from '../core/check-options.js';
import { isLockError, LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { isMissing } from '../files/open-own.js';
import { inSideFolder, locksIn, removeEmptySideFolder } from '../files/side-folder.js';
import { sweepOrphans } from '../files/sweep.js';
import { carriesOurRecord, isBlankLockFile, tryRemoveLockFile } from '../backends/flock/index.js';
import { targetOf, type Lock } from './lock.js';

const CLEAN_OPTIONS = { dryRun: BOOLEAN };
const BREAK_OPTIONS = { isImmediate: BOOLEAN };

/** What {@link cleanLockFiles} did. Absolute paths. */
export interface CleanResult {
  /** Lock files, and what killed processes left on its way to a name; with `dryRun`, lock files that would be removed. */
  readonly removed: readonly string[];
  /** Ours, but held, or they could not be removed. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
}

/**
 * Removes the lock files in `directory` that carry our record and that no process holds, those in its
 * `.holdfast/locks` also without a record (shared holders leave none), a `.holdfast` that has no locks any more, and what
 * killed processes left on its way to a name. Nothing else. Each lock file is removed under its own exclusive lock.
 *
 * Not guaranteed for programs that lock such a file without looking, once they have the lock, whether it still
 * has its name (flock(1) does not look): clean while they rest.
 *
 * @throws LockError HOLDFAST_PERMISSION or HOLDFAST_IO when the directory cannot be read, HOLDFAST_BACKEND_UNAVAILABLE
 *   without the addon.
 */
export async function cleanLockFiles(
  directory: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<CleanResult> {
  checkOptions(options, CLEAN_OPTIONS);
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
  if (options.dryRun !== true) removed.push(...(await removeRemains(resolve(directory))));
  return { removed, kept };
}

/** What killed processes left in the directory and its side folders, and side folders without locks. */
async function removeRemains(directory: string): Promise<string[]> {
  const names = entriesIn(directory, directory).map(({ name }) => name);
  const removed = await sweepOrphans(directory);
  for (const locks of locksIn(directory, names)) {
    for (const folder of [dirname(locks), locks]) removed.push(...(await attemptSweep(folder)));
    removeEmptySideFolder(locks);
  }
  return removed;
}

/** A folder that is gone, or whose `locks` are, has nothing to be swept. */
async function attemptSweep(folder: string): Promise<string[]> {
  try {
    return await sweepOrphans(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Files that carry our record, held or not: in `directory`, then in its side folders. Absolute paths, sorted.
 *
 * @throws LockError HOLDFAST_PERMISSION for a side folder that another user has put there.
 */
export function lockFilesIn(directory: string): string[] {
  const here = resolve(directory);
  const entries = entriesIn(here, here);
  const sides = locksIn(
    here,
    entries.map(({ name }) => name),
  );
  return [...ourFiles(here, here, entries, carriesOurRecord), ...sides.flatMap(lockFilesBeside)];
}

function lockFilesBeside(path: string): string[] {
  const isOurs = (file: string): boolean => carriesOurRecord(file) || isBlankLockFile(file);
  return (
    inSideFolder(path, (reachable) => ourFiles(path, reachable, entriesIn(path, reachable), isOurs)) ?? []
  );
}

/** `path` is what people call the directory, `reachable` what it is read by. */
function entriesIn(path: string, reachable: string): Dirent[] {
  try {
    return readdirSync(reachable, { withFileTypes: true });
  } catch (error) {
    throw systemError('read', path, errnoOf(error) ?? 'EIO', error);
  }
}

function ourFiles(
  path: string,
  reachable: string,
  entries: readonly Dirent[],
  isOurs: (path: string) => boolean,
): string[] {
  // Not through symbolic links: what they point to lies somewhere else.
  return entries
    .filter((entry) => entry.isFile() && isOurs(join(reachable, entry.name)))
    .map((entry) => join(path, entry.name))
    .sort();
}

/** Options of {@link breakLock}. */
export interface BreakOptions {
  /**
   * Free it for others at once. Its holder goes on believing until its next renewal, so two may work at the same time
   * and only a resource that checks fencing tokens is safe. Default false: others wait until the holder must have noticed.
   */
  readonly isImmediate?: boolean;
}

/**
 * Ends another hold by its holder id, which `inspect` returns. Its holder learns of it at its next renewal at
 * the latest.
 *
 * @returns false when that hold is over already, or was never there: nothing was changed.
 * @throws LockError HOLDFAST_UNSUPPORTED for kernel locks, which end with their process; HOLDFAST_PERMISSION or
 *   HOLDFAST_IO when the record could not be changed.
 */
export async function breakLock(
  lock: string | Lock,
  holderId: string,
  options: BreakOptions = {},
): Promise<boolean> {
  checkOptions(options, BREAK_OPTIONS);
  const { namespace, resource } = targetOf(lock);
  if (typeof holderId !== 'string') throw new TypeError(`The holder id must be text, not ${show(holderId)}.`);
  if (namespace.backend.forceRelease === undefined) throw await unbreakable(lock);
  return namespace.backend.forceRelease(resource, holderId, options);
}

/**
 * Throws if this lock cannot be broken; has no side effects.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when a hold of this lock ends with its process and can not be broken.
 */
export async function assertBreakable(lock: string | Lock): Promise<void> {
  if (targetOf(lock).namespace.backend.forceRelease === undefined) throw await unbreakable(lock);
}

async function unbreakable(lock: string | Lock): Promise<LockError> {
  const { namespace, resource, address } = targetOf(lock);
  const { backend } = namespace;
  const holders = (await backend.inspect?.(resource)) ?? [];
  const pids = holders.flatMap(({ state, pid }) => (state === 'holder' && pid !== undefined ? [pid] : []));
  const next = pids.length === 0 ? 'Stop the process that holds it' : `Stop pid ${pids.join(' and ')}`;
  return new LockError(
    `Could not break "${address}": a ${backend.name} lock is held by the process itself and ends with it. ${next}.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address, holders },
  );
}
