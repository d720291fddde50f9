import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { makeDirectory } from './make-directory.js';
import { fillOwnDirectory, makeOwnDirectories } from './make-own.js';
import { isMissing, openOwnDirectory, type OwnDirectory } from './open-own.js';
import { besideOf, directoryRights, isStickyPlace } from './rights.js';

const NAME = '.holdfast';
const LOCKS = 'locks';
const FORM = /^\.holdfast(?:-(\d+))?$/;

/** What a side folder is born with: `git clean` and `git add` leave alone what ignores itself. */
export const SIDE_FOLDER_FILES: Readonly<Record<string, string>> = { '.gitignore': '*\n' };

/**
 * The directory of the locks for data files in `directory`: `.holdfast/locks`. Where every user may have files of their
 * own (/tmp), it is `.holdfast-UID/locks` of the data file's owner.
 */
export function locksBeside(directory: string, dataPath: string): string {
  const place = attemptStat(directory);
  if (place === undefined || !isStickyPlace(place)) return join(directory, NAME, LOCKS);
  const uid = attemptStat(dataPath)?.uid ?? process.geteuid?.() ?? 0;
  return join(directory, `${NAME}-${uid}`, LOCKS);
}

/** The directories of locks in `directory` for whatever data files, by the names that it has. */
export function locksIn(directory: string, names: readonly string[]): string[] {
  return names.filter((name) => FORM.test(name)).map((name) => join(directory, name, LOCKS));
}

/** Which part of a path in a side folder has names of ours, and whose the folder is. Undefined for other paths. */
export function ownPartOf(path: string): { depth: number; owner: number } | undefined {
  const folder = dirname(dirname(path));
  const match = basename(dirname(path)) === LOCKS ? FORM.exec(basename(folder)) : null;
  if (match === null) return undefined;
  return { depth: 3, owner: match[1] === undefined ? -1 : Number(match[1]) };
}

/** A directory is made, and removed again by a `clean` beside it, so often before its lock is given up. */
const ROUNDS = 20;

/**
 * Runs `make`, which puts a lock into the directory `path`: `.holdfast/locks`, or a `lockDir`. Missing directories are
 * made first; when one is removed before it has an entry, all starts over.
 *
 * @throws LockError; what `make` throws.
 */
export function inLockDirectory<T>(path: string, make: () => T): T {
  for (let round = 1; ; round++) {
    try {
      makeLockDirectory(path);
      return make();
    } catch (error) {
      if (round === ROUNDS || !isMissing(error)) throw error;
    }
  }
}

/** A `lockDir` is the user's and may be a link; where it is missing it is made, and its parent too. */
function makeLockDirectory(path: string): void {
  const own = ownPartOf(join(path, 'any'));
  if (own !== undefined) return makeOwnDirectories(path, { ...own, depth: 2 }, SIDE_FOLDER_FILES);
  if (existsSync(path)) return;
  try {
    makeDirectory(dirname(path), { mode: 0o700, levels: 1 });
  } catch (error) {
    throw systemError('create', path, errnoOf(error) ?? 'EIO', error);
  }
  makeOwnDirectories(path);
}

/**
 * Runs `read` on a directory of locks, given a path that cannot be exchanged meanwhile; undefined when there is none.
 *
 * @throws LockError HOLDFAST_PERMISSION when it is not trusted.
 */
export function inSideFolder<T>(locks: string, read: (reachable: string) => T): T | undefined {
  try {
    const directory = openOwnDirectory(locks, { ...ownPartOf(join(locks, 'any')), depth: 2 });
    try {
      return read(directory.at('.'));
    } finally {
      directory.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Removes the side folder of `locks` if it has no locks. Only empty directories are removed: a process that puts a lock
 * into it meanwhile keeps it, and one that is too late makes it anew ({@link inLockDirectory}).
 *
 * @returns false when it stays.
 */
export function removeEmptySideFolder(locks: string): boolean {
  const folder = dirname(locks);
  try {
    const directory = openOwnDirectory(folder, { ...ownPartOf(join(locks, 'any')), depth: 1 });
    try {
      if (existsSync(directory.at(LOCKS))) rmdirSync(directory.at(LOCKS));
      if (!readdirSync(directory.at('.')).every((name) => isBornWith(directory, name))) return false;
      return removeFolder(folder, directory);
    } finally {
      directory.close();
    }
  } catch {
    return false;
  }
}

/** False for a file that was changed since. */
function isBornWith(directory: OwnDirectory, name: string): boolean {
  return (
    Object.hasOwn(SIDE_FOLDER_FILES, name) &&
    readFileSync(directory.at(name), 'utf8') === SIDE_FOLDER_FILES[name]
  );
}

/** The folder must be empty to go. When a lock came meanwhile, it gets its files back. */
function removeFolder(folder: string, directory: OwnDirectory): boolean {
  for (const name of Object.keys(SIDE_FOLDER_FILES)) rmSync(directory.at(name), { force: true });
  try {
    rmdirSync(folder);
    return true;
  } catch {
    fillOwnDirectory(directory, SIDE_FOLDER_FILES, directoryRights(besideOf(directory.at('.'))));
    return false;
  }
}

/** A path in the place that `path` has its side folder in; other paths stand for themselves. */
export function besideSideFolder(path: string): string {
  return ownPartOf(path) === undefined ? path : dirname(dirname(path));
}

function attemptStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
