import { existsSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { makeDirectory } from './make-directory.js';
import { makeOwnDirectories } from './make-own.js';
import { isMissing, openOwnDirectory, type OwnDirectory } from './open-own.js';
import { isStickyPlace } from './rights.js';

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

/**
 * Makes a directory for lock files: `.holdfast/locks`, or a `lockDir`. That is the user's and may be a link; where it is
 * missing it is made, and its parent too.
 *
 * @throws LockError
 */
export function makeLockDirectory(path: string): void {
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
  const own = ownPartOf(join(locks, 'any'));
  let directory: OwnDirectory;
  try {
    directory = openOwnDirectory(locks, { ...own, depth: 2 });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return read(directory.at('.'));
  } finally {
    directory.close();
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
