import { fchmodSync, fchownSync, fstatSync, statSync, type Stats } from 'node:fs';

import { errnoOf } from '../core/system-error.js';
import { availableNative } from '../platform/native.js';

/** Owner, group and mode of a file or directory of ours. */
export interface Rights {
  readonly mode: number;
  /** Undefined: the user that makes it. */
  readonly uid?: number;
  readonly gid?: number;
  /** The group bits of what inherits an access control list: there they are its mask. Undefined: those of the mode. */
  readonly mask?: number;
}

/** A file or directory that others of ours stand beside. */
export interface Beside extends Pick<Stats, 'uid' | 'gid'> {
  /** With the bits that the group has by itself. */
  readonly mode: number;
  /** The group bits of its list, where it has one. */
  readonly mask?: number;
}

/**
 * With an access control list, the group bits of a mode are what single users may do at most, and not what the group may
 * do. Without the addon a list cannot be seen.
 */
export function besideOf(path: string, status: Stats = statSync(path)): Beside {
  const { uid, gid, mode } = status;
  const group = availableNative()?.groupPermissions?.(path) ?? -1;
  if (group < 0) return { uid, gid, mode };
  return { uid, gid, mode: mode & ~(~(group << 3) & 0o070), mask: mode & 0o070 };
}

const STICKY_AND_WORLD_WRITABLE = 0o1002;

/** As /tmp: every user has files of their own there. */
export function isStickyPlace(place: Pick<Stats, 'mode'>): boolean {
  return (place.mode & STICKY_AND_WORLD_WRITABLE) === STICKY_AND_WORLD_WRITABLE;
}

/**
 * The rights of a file of ours beside `beside` (a file, or the directory it stands in): the same owner, which only root
 * can give, the same group with the same bits, and nothing for others. In a place like /tmp it is private.
 */
export function fileRights(beside: Beside): Rights {
  if (isStickyPlace(beside)) return { mode: 0o600 };
  return { ...inherited(beside, 0o060), mode: 0o600 | (beside.mode & 0o060) };
}

function inherited({ uid, gid, mask }: Beside, bits: number): Omit<Rights, 'mode'> {
  return { uid, gid, ...(mask !== undefined && { mask: mask & bits }) };
}

/** The rights of a new data file where none were given: private, or the group's where the group may write. */
export function newDataRights(place: Beside): Rights {
  if (isStickyPlace(place)) return { mode: 0o600 };
  const mask = { ...(((place.mask ?? 0) & 0o020) !== 0 && { mask: 0o060 }) };
  return (place.mode & 0o020) === 0 ? { mode: 0o600, ...mask } : { mode: 0o660, gid: place.gid, ...mask };
}

/** {@link fileRights} for a directory in the directory `beside`. */
export function directoryRights(beside: Beside): Rights {
  if (isStickyPlace(beside)) return { mode: 0o700 };
  return { ...inherited(beside, 0o070), mode: 0o700 | (beside.mode & 0o2070) };
}

/**
 * Gives a new file or directory, open as `fd`, its rights, as far as this process may. The owner first, because chown
 * clears bits of the mode. Where the group cannot be given, its rights would go to another group: it gets none.
 */
export function giveRights(fd: number, { mode, uid, gid, mask }: Rights): void {
  // Windows has neither owners nor modes.
  if (process.platform === 'win32') return;
  const now = fstatSync(fd);
  let wanted = mask !== undefined && hasList(fd) ? (mode & ~0o070) | mask : mode;
  if (gid !== undefined && gid !== now.gid && !tryChown(fd, now.uid, gid)) wanted &= ~0o2070;
  if (uid !== undefined && uid !== now.uid) tryChown(fd, uid, fstatSync(fd).gid);
  if ((fstatSync(fd).mode & 0o7777) !== wanted) tryChmod(fd, wanted);
}

function hasList(fd: number): boolean {
  return (availableNative()?.groupPermissions?.(`/proc/self/fd/${fd}`) ?? -1) >= 0;
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
