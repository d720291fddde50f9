import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, relative, resolve } from 'node:path';

import type { Clock } from '../core/time.js';
import { errnoOf } from '../core/system-error.js';
import { isProcOurs } from '../platform/process-stat.js';
import { makeDirectory } from '../files/make-directory.js';
import { isMissing, openOwnDirectory } from '../files/open-own.js';
import { syncDirectory } from '../files/sync-directory.js';
import { readReplaced, refreshNames } from '../files/replaced.js';
import { isNamedByProcess } from '../process/users.js';
import { terminateTree } from '../process/tree.js';
import { versionDir, type Layout } from './layout.js';
import { readStamp, type Stamp } from './stamp.js';

/** The version that NAME points to. */
export interface CurrentVersion {
  readonly id: string;
  readonly dir: string;
  readonly stamp: Stamp | undefined;
}

/** In the environment of everything that a build starts, with the version's id. */
export const VERSION_MARK = 'HOLDFAST_VERSION';

const RETIRED = '.retired';

/** Sorts by time for people's eyes only; the random part makes it unique. */
export function newVersionId(wallNowMs: number): string {
  const time = new Date(wallNowMs).toISOString().replace(/[-:]|\.\d+Z$/g, '');
  return `${time.replace('T', '-')}-${randomBytes(4).toString('hex')}`;
}

export async function currentVersion(layout: Layout): Promise<CurrentVersion | undefined> {
  const target = await readReplaced(layout.installDir, () => readlink(layout.installDir)).catch(
    () => undefined,
  );
  if (target === undefined) return undefined;
  const dir = resolve(layout.parentDir, target);
  if (dirname(dir) !== layout.versionsDir) return undefined;
  return { id: basename(dir), dir, stamp: await readStamp(dir) };
}

/**
 * Ends what a killed run left half done. Only under the lock. NAME is missing only between the two renames that
 * replace a real directory: then that directory comes back first.
 *
 * @returns a warning for the user.
 */
export async function recoverSwitch(layout: Layout): Promise<string | undefined> {
  const { installDir, linkPath, swapPath } = layout;
  // Believing in an old link would mean to sweep the version that another host has just switched to.
  await refreshNames(layout.parentDir);
  const link = await statOf(linkPath);
  if (link?.isSymbolicLink() === true) await unlink(linkPath);
  else if (link !== undefined) return setAside(layout, linkPath);
  if ((await statOf(swapPath)) === undefined) return undefined;
  if ((await statOf(installDir)) !== undefined) return setAside(layout, swapPath);
  await rename(swapPath, installDir);
  return `the directory "${installDir}" was put back: an earlier run was killed while replacing it`;
}

/** Whether a killed run has left something for {@link recoverSwitch}. */
export async function wasInterrupted({ linkPath, swapPath }: Layout): Promise<boolean> {
  return (await statOf(linkPath)) !== undefined || (await statOf(swapPath)) !== undefined;
}

/**
 * Lets NAME point to version `id`, in one step for every reader: a symbolic link is made beside it and renamed over
 * it. Two renames of directories, the usual way, left readers without anything in between.
 *
 * @returns a warning for the user, because something that was not ours stood at NAME.
 */
export async function switchTo(
  layout: Layout,
  id: string,
  wallNowMs: number,
  exchange?: (a: string, b: string) => boolean,
): Promise<string | undefined> {
  const { installDir, parentDir, linkPath } = layout;
  const isWindows = process.platform === 'win32';
  const target = versionDir(layout, id);
  const current = await currentVersion(layout);
  if (current !== undefined) await writeFile(retiredMark(layout, current.id), String(wallNowMs));
  const before = await statOf(installDir);
  const isLink = before?.isSymbolicLink() === true;
  const linkedTo = isLink ? resolve(parentDir, await readlink(installDir)) : undefined;
  // A junction needs no privilege on Windows, but an absolute target; elsewhere the link may move with its parent.
  await symlink(isWindows ? target : relative(parentDir, target), linkPath, isWindows ? 'junction' : 'dir');
  let notice: string | undefined;
  if (before?.isDirectory() === true && !(await tryRemoveEmpty(installDir))) {
    notice = await replaceDirectory(layout, exchange);
  } else {
    // Windows does not rename over a directory, and a junction is one.
    if (isWindows && isLink) await unlink(installDir);
    await rename(linkPath, installDir);
    if (linkedTo !== undefined && dirname(linkedTo) !== layout.versionsDir) {
      notice = `"${installDir}" was a link to "${linkedTo}" and now points to the new version`;
    }
  }
  await syncDirectory(parentDir);
  return notice;
}

/** A link cannot be renamed over a directory: both change places, or the directory steps aside first. */
async function replaceDirectory(
  layout: Layout,
  exchange: ((a: string, b: string) => boolean) | undefined,
): Promise<string> {
  const { installDir, linkPath, swapPath } = layout;
  if (exchange?.(linkPath, installDir) === true) return setAside(layout, linkPath);
  await rename(installDir, swapPath);
  await rename(linkPath, installDir);
  return setAside(layout, swapPath);
}

/** Gives the directory that was at NAME a name of its own. It is the user's: it is never removed. */
async function setAside(layout: Layout, path: string): Promise<string> {
  const aside = `${layout.installDir}.replaced-${randomBytes(4).toString('hex')}`;
  await rename(path, aside);
  return `the directory that was at "${layout.installDir}" is kept as "${aside}"`;
}

/** Of the thing itself, not of what it links to. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function tryRemoveEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch {
    return false;
  }
}

/** Ids of the versions that are there, whole or not. */
export async function listVersions(layout: Layout): Promise<readonly string[]> {
  const names = await readdir(layout.versionsDir).catch((): string[] => []);
  return names.filter((name) => !name.endsWith(RETIRED));
}

/** How long a version stays after another one took its place: shells and servers still use its exports. */
export const VERSION_KEPT_MS = 7 * 86_400_000;

/**
 * Removes what no run needs any more. Only under the lock. Kept are the current version, the one before it (for
 * `rollback`), each that was replaced less than {@link VERSION_KEPT_MS} ago by the wall clock, and each that a living
 * process of this machine names. A tree that was never current is a killed run's, and goes at once.
 */
export async function sweepVersions(layout: Layout, clock: Clock): Promise<void> {
  assertOwnVersions(layout);
  const current = await currentVersion(layout);
  const names = await readdir(layout.versionsDir).catch((): string[] => []);
  for (const name of names) {
    if (name.endsWith(RETIRED)) {
      const id = name.slice(0, -RETIRED.length);
      if (id === current?.id || !names.includes(id)) await rm(versionDir(layout, name), { force: true });
    } else if (name !== current?.id && name !== current?.stamp?.replaces) {
      if (await isKept(layout, name, clock)) continue;
      await removeVersion(layout, name, clock);
      await rm(retiredMark(layout, name), { force: true });
    }
  }
}

/** The mark beside a version holds when another took its place; a time in the future (a clock set back) counts as now. */
async function isKept(layout: Layout, id: string, clock: Clock): Promise<boolean> {
  const retiredAtMs = Number(await readFile(retiredMark(layout, id), 'utf8').catch(() => Number.NaN));
  if (!Number.isFinite(retiredAtMs)) return false;
  return clock.wallNow() - retiredAtMs < VERSION_KEPT_MS || isNamedByProcess(versionDir(layout, id));
}

function retiredMark(layout: Layout, id: string): string {
  return versionDir(layout, `${id}${RETIRED}`);
}

/** A tree that a killed run left may still be written to by the compilers it started: they are ended first. */
export async function removeVersion(layout: Layout, id: string, clock: Clock): Promise<void> {
  const dir = versionDir(layout, id);
  // Only where processes can be found by their mark: no process has pid 0, but kill(2) takes it for our own group.
  if (isProcOurs() && (await readStamp(dir)) === undefined) {
    await terminateTree({ pid: 0, startTime: 0, environmentMark: `${VERSION_MARK}=${id}` }, 0, clock);
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Before anything is made or removed in it.
 *
 * @throws LockError HOLDFAST_PERMISSION when another user has put a link or a directory of that name there.
 */
function assertOwnVersions({ versionsDir }: Layout): void {
  try {
    openOwnDirectory(versionsDir).close();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

export async function createVersion(layout: Layout, id: string): Promise<string> {
  const dir = versionDir(layout, id);
  makeDirectory(layout.versionsDir);
  assertOwnVersions(layout);
  await mkdir(dir);
  return dir;
}

/** Everything of this installation but its lock file and what was never ours. Only under the lock. */
export async function removeAll(layout: Layout, clock: Clock): Promise<boolean> {
  assertOwnVersions(layout);
  await recoverSwitch(layout);
  const current = await currentVersion(layout);
  if (current !== undefined) await unlink(layout.installDir);
  const names = await readdir(layout.versionsDir).catch((): string[] => []);
  for (const name of names) await removeVersion(layout, name, clock);
  await rm(layout.versionsDir, { recursive: true, force: true });
  await rm(layout.logPath, { force: true });
  await syncDirectory(layout.parentDir);
  return current !== undefined || names.length > 0;
}
