import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';

import { LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { isMissing, openOwnDirectory, type OwnDirectory } from './open-own.js';
import { besideOf, directoryRights, fileRights, giveRights, type Rights } from './rights.js';
import { newTempName } from './temp-name.js';
import { splitOwn, type OwnOptions } from './trust.js';

const { O_NOFOLLOW, O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = constants;

export interface MakeOwnOptions extends OwnOptions {
  /** Rights of what is made. Default: those of the directory it stands in, minus others. */
  readonly rights?: Rights;
}

/**
 * Makes the missing ones of the last `depth` directories of `path`, complete with their rights before they have their
 * name: a member of the group never meets one that is not open to the group yet. Those that are there must be trusted.
 *
 * @param firstFiles files that the first of them is born with, by name.
 * @throws LockError HOLDFAST_PERMISSION, HOLDFAST_IO.
 */
export function makeOwnDirectories(
  path: string,
  options: MakeOwnOptions = {},
  firstFiles: Readonly<Record<string, string>> = {},
): void {
  const { place, names } = splitOwn(path, options.depth ?? 1);
  let parent = openOwnDirectory(place, { depth: 0 });
  try {
    let current = place;
    for (const [index, name] of names.entries()) {
      current = `${current === '/' ? '' : current}/${name}`;
      const here = { ...options, depth: index + 1 };
      if (!isThere(current, here)) {
        const rights = options.rights ?? rightsIn(parent, current, options.owner);
        makeOne(parent, name, index === 0 ? firstFiles : {}, rights);
      }
      const next = openOwnDirectory(current, here);
      parent.close();
      parent = next;
    }
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('create', path, errno, error);
  } finally {
    parent.close();
  }
}

function isThere(path: string, options: OwnOptions): boolean {
  try {
    openOwnDirectory(path, options).close();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A folder that is named after its owner is made by that user and root only. */
function rightsIn(parent: OwnDirectory, path: string, owner: OwnOptions['owner']): Rights {
  const rights = directoryRights(besideOf(parent.at('.')));
  if (typeof owner !== 'number' || owner < 0) return rights;
  const own = process.geteuid?.();
  if (own === 0 || own === owner) return { ...rights, uid: owner };
  throw new LockError(
    `Could not create "${path}": only user ${owner} may make it, and this process runs as user ${own}. Have user ${owner} lock the file once.`,
    { code: 'HOLDFAST_PERMISSION', resource: path },
  );
}

function makeOne(
  parent: OwnDirectory,
  name: string,
  files: Readonly<Record<string, string>>,
  rights: Rights,
): void {
  const temporary = parent.at(newTempName(name, false));
  mkdirSync(temporary, { mode: 0o700 });
  try {
    fillOwnDirectory({ at: (file) => `${temporary}/${file}` }, files, rights);
    give(temporary, rights);
    // Takes the place of an empty directory at most.
    renameSync(temporary, parent.at(name));
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another process was first. Windows answers EPERM.
    const isTaken = ['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '');
    if (!isTaken && process.platform !== 'win32') throw error;
  }
}

/** Writes the files that a directory of ours is born with; `rights` are the directory's. */
export function fillOwnDirectory(
  directory: Pick<OwnDirectory, 'at'>,
  files: Readonly<Record<string, string>>,
  rights: Rights,
): void {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(directory.at(name), text, { flag: 'wx', mode: 0o600 });
    give(directory.at(name), { ...rights, mode: rights.mode & 0o660 });
  }
}

function give(path: string, rights: Rights): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  try {
    giveRights(fd, rights);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes an empty file of ours unless there is one, with its rights before it has its name. Its directories must be
 * there.
 *
 * @throws LockError HOLDFAST_PERMISSION, HOLDFAST_IO; its cause is ENOENT when its directory is missing.
 */
export function makeOwnFile(path: string, options: MakeOwnOptions = {}): void {
  const { depth = 1 } = options;
  const directory = openParent(path, options, depth);
  const name = splitOwn(path, 1).names[0] as string;
  try {
    const rights = options.rights ?? fileRights(besideOf(directory.at('.')));
    makeFile(directory, name, rights);
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('create', path, errno, error);
  } finally {
    directory.close();
  }
}

/** The directory that a file of ours stands in. */
export function openParent(path: string, options: OwnOptions, depth: number): OwnDirectory {
  return openOwnDirectory(splitOwn(path, 1).place, { ...options, depth: depth - 1 });
}

function makeFile(directory: OwnDirectory, name: string, rights: Rights): void {
  const isOwn = (rights.uid ?? process.geteuid?.()) === process.geteuid?.();
  const isPlain = rights.mode === 0o600 && isOwn && rights.mask === undefined;
  if (isPlain) return makeExclusively(directory.at(name));
  const temporary = directory.at(newTempName(name, false));
  const file = openSync(temporary, O_RDWR | O_CREAT | O_EXCL, 0o600);
  try {
    giveRights(file, rights);
    linkSync(temporary, directory.at(name));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    // A file system without hard links (vfat) has no owners either.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errno ?? '')) throw error;
    makeExclusively(directory.at(name));
  } finally {
    closeSync(file);
    unlinkSync(temporary);
  }
}

function makeExclusively(path: string): void {
  try {
    closeSync(openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o600));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
