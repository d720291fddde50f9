import { fchmodSync, fchownSync, fstatSync, type Stats } from 'node:fs';

import { errnoOf } from '../core/system-error.js';

/** Who may do what with a file or directory of ours. */
export interface Rights {
  readonly mode: number;
  /** Undefined: whoever makes it. */
  readonly uid?: number;
  readonly gid?: number;
}

const STICKY_AND_WORLD_WRITABLE = 0o1002;

/** As /tmp: every user has files of their own there. */
export function isStickyPlace(place: Stats): boolean {
  return (place.mode & STICKY_AND_WORLD_WRITABLE) === STICKY_AND_WORLD_WRITABLE;
}

/**
 * The rights of a file of ours beside `beside` (a file, or the directory it stands in): the same owner, which only root
 * can give, the same group with the same bits, and nothing for others. In a place like /tmp it is private.
 */
export function fileRights(beside: Stats): Rights {
  if (isStickyPlace(beside)) return { mode: 0o600 };
  return { mode: 0o600 | (beside.mode & 0o060), uid: beside.uid, gid: beside.gid };
}

/** The rights of a new data file of a user, who has not said which: private, or the group's where the group may write. */
export function newDataRights(place: Stats): Rights {
  if ((place.mode & 0o020) === 0 || isStickyPlace(place)) return { mode: 0o600 };
  return { mode: 0o660, gid: place.gid };
}

/** {@link fileRights} for a directory in the directory `beside`. */
export function directoryRights(beside: Stats): Rights {
  if (isStickyPlace(beside)) return { mode: 0o700 };
  return { mode: 0o700 | (beside.mode & 0o2070), uid: beside.uid, gid: beside.gid };
}

/**
 * Gives a new file or directory, open as `fd`, its rights, as far as this process may. The owner first, because chown
 * clears bits of the mode. Where the group cannot be given, its rights would go to another group: it gets none.
 */
export function giveRights(fd: number, { mode, uid, gid }: Rights): void {
  // Windows has neither owners nor modes.
  if (process.platform === 'win32') return;
  const now = fstatSync(fd);
  let wanted = mode;
  if (gid !== undefined && gid !== now.gid && !tryChown(fd, now.uid, gid)) wanted &= ~0o2070;
  if (uid !== undefined && uid !== now.uid) tryChown(fd, uid, fstatSync(fd).gid);
  if ((fstatSync(fd).mode & 0o7777) !== wanted) tryChmod(fd, wanted);
}

function tryChown(fd: number, uid: number, gid: number): boolean {
  try {
    fchownSync(fd, uid, gid);
    return true;
  } catch {
    return false;
  }
}

/** File systems without modes (vfat, drvfs, some FUSE) answer EPERM or ENOTSUP: their files have the mode of the mount. */
function tryChmod(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode);
  } catch (error) {
    if (!isChmodUnsupported(errnoOf(error))) throw error;
  }
}

/** The maker of a file may always set its mode, unless the file system has none. */
export function isChmodUnsupported(errno: string | undefined): boolean {
  return errno !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errno);
}
