import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { systemClock } from '../platform/clock.js';
import { fileSystemKindOfDirectory } from '../platform/filesystem.js';
import { isProcessAlive } from '../platform/identity.js';
import type { NativeAddon } from '../platform/native-contract.js';
import { availableNative } from '../platform/native.js';
import { openOwnDirectory } from './open-own.js';
import { SIDE_FOLDER_FILES } from './side-folder.js';
import { identityOf, isOfThisBoot, parseTempName, type TempOwner } from './temp-name.js';

/** A process looks for orphans in a directory at its first durable write there, and then at most this often. */
export const SWEEP_INTERVAL_MS = 600_000;

const sweptAt = new Map<string, number>();

/**
 * Removes what killed processes left in `directory` on its way to a name: the temp files of durable writes, and
 * side folders that were not complete. Nothing else. Temps of live writers stay, whatever host, container or pid
 * namespace they run in. Durable writes do this by themselves.
 *
 * @returns the absolute paths of what was removed.
 * @throws LockError HOLDFAST_IO or HOLDFAST_PERMISSION when the directory cannot be read.
 */
export async function sweepOrphans(directory: string): Promise<string[]> {
  return sweep(resolve(directory));
}

/** Sweeps unless this process did so a short while ago. Never fails: a write does not depend on it. */
export function sweepNowAndThen(directory: string): void {
  const last = sweptAt.get(directory);
  const now = systemClock.now();
  if (last !== undefined && now - last < SWEEP_INTERVAL_MS) return;
  sweptAt.set(directory, now);
  attemptSweep(directory);
}

/** The number of orphans that went. For a disk that turned out to be full: they may be what fills it. */
export function attemptSweep(directory: string): number {
  try {
    return sweep(directory).length;
  } catch {
    return 0;
  }
}

function sweep(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw systemError('sweep', directory, errnoOf(error) ?? 'EIO', error);
  }
  const removed: string[] = [];
  for (const name of names) {
    const owner = parseTempName(name);
    if (owner === undefined) continue;
    const path = join(directory, name);
    if (attemptRemove(path, owner, directory)) removed.push(path);
  }
  return removed;
}

function attemptRemove(path: string, owner: TempOwner, directory: string): boolean {
  try {
    const status = lstatSync(path);
    const isLocal = fileSystemKindOfDirectory(directory).kind === 'local';
    if (status.isDirectory()) return isProvenDead(owner, isLocal) && attemptRemoveFolder(path);
    // A link or a FIFO under such a name is not ours, and opening it could reach or block something else.
    if (!status.isFile()) return false;
    if (isProvenDead(owner, isLocal)) {
      unlinkSync(path);
      return true;
    }
    const native = availableNative();
    // The kernel's answer counts only where the writer took that lock and every contender asks the same kernel.
    if (!owner.isLocked || !isLocal || native === undefined) return false;
    return attemptRemoveLocked(native, path);
  } catch {
    return false;
  }
}

/** Of a side folder that its maker never gave its name. It holds what such a folder is born with, or is not ours. */
function attemptRemoveFolder(path: string): boolean {
  const folder = openOwnDirectory(path);
  try {
    const names = readdirSync(folder.at('.'));
    if (names.some((name) => !Object.hasOwn(SIDE_FOLDER_FILES, name))) return false;
    for (const name of names) unlinkSync(folder.at(name));
  } finally {
    folder.close();
  }
  rmdirSync(path);
  return true;
}

/**
 * With the lock in hand: (1) we have it, so the writer has not, (2) `tryLock` found that the path still names the
 * locked inode. A writer that had only just created the temp loses its own LOCK_NB, or finds its temp without
 * a name, and starts over; no name recurs, so no other file can take its place.
 */
function attemptRemoveLocked(native: NativeAddon, path: string): boolean {
  const handle = native.tryLock(path, 0, 0, undefined);
  if (handle <= 0) return false;
  try {
    unlinkSync(path);
    return true;
  } finally {
    native.unlock(handle);
  }
}

/** A local file system has one kernel: no process of an earlier boot writes to it any more. */
function isProvenDead(owner: TempOwner, isLocal: boolean): boolean {
  if (isOfThisBoot(owner) === false) return isLocal;
  return isProcessAlive(identityOf(owner)) === false;
}
