import { lstatSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

import { LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { availableNative } from '../platform/native.js';

/** A path of which the last components have names of ours; what lies above is the place, named by the user. */
export interface OwnOptions {
  /** How many components at the end have names of ours. Default 1: the file alone. */
  readonly depth?: number;
  /**
   * One more trusted user, beside this process's, root, the owner of the place and, where its group may write
   * there, the group. `anyone`: for what only explains, and is never believed.
   */
  readonly owner?: number | 'anyone';
}

/** The place of `path`, and the names below it that are ours. */
export function splitOwn(path: string, depth: number): { readonly place: string; readonly names: string[] } {
  let place = resolve(path);
  const names: string[] = [];
  for (let left = depth; left > 0; left--) {
    const parent = dirname(place);
    names.unshift(place.slice(parent.endsWith(sep) ? parent.length : parent.length + 1));
    place = parent;
  }
  return { place, names };
}

/**
 * The rule, as `native/own_posix.c` has it: others may not write it, and its owner is this process's user, root, the
 * owner of the place or, in a place that its group writes, anyone whose file belongs to that group.
 */
export function isTrusted(found: Stats, place: Stats, owner: OwnOptions['owner']): boolean {
  if (owner === 'anyone' || process.platform === 'win32') return true;
  if ((found.mode & 0o002) !== 0) return false;
  const { uid } = found;
  if (uid === 0 || uid === process.geteuid?.() || uid === place.uid || uid === owner) return true;
  return (place.mode & 0o020) !== 0 && found.gid === place.gid;
}

/**
 * The error for a path of ours that could not be opened with `errno`. It names the component that another user has put
 * there, if there is one, with its owner and mode.
 */
export function openFailure(
  path: string,
  options: OwnOptions & { readonly isDirectory?: boolean },
  errno: string,
): LockError {
  const { place, names } = splitOwn(path, options.depth ?? 1);
  try {
    const status = statSync(place);
    let current = place;
    for (const [index, name] of names.entries()) {
      current = join(current, name);
      const found = lstatSync(current);
      const isLast = index === names.length - 1;
      const kind = isLast && options.isDirectory !== true ? 'a file' : 'a directory';
      const isRight = kind === 'a file' ? found.isFile() : found.isDirectory();
      if (!isRight) return untrusted(current, place, found, `it is ${kindOf(found)}, not ${kind}`);
      if (!isTrusted(found, status, options.owner)) {
        if ((found.mode & 0o002) !== 0) return untrusted(current, place, found, 'every user may write it');
        return untrusted(current, place, found, `another user owns it${onLists(place)}`);
      }
    }
  } catch (error) {
    return systemError('open', path, errnoOf(error) ?? errno, error);
  }
  return systemError('open', path, errno);
}

/** Single users whom a list names may write the place, and still share no locks: what they make is not the others'. */
function onLists(place: string): string {
  const hasList = (availableNative()?.groupPermissions?.(place) ?? -1) >= 0;
  return hasList ? `, and for "${place}" its access control list does not count: share by a group` : '';
}

function untrusted(path: string, place: string, { uid, gid, mode }: Stats, fact: string): LockError {
  const bits = (mode & 0o7777).toString(8).padStart(4, '0');
  return new LockError(
    `Could not open "${path}": ${fact} (owner ${uid}, group ${gid}, mode ${bits}), so it is not used and nothing was written. ` +
      `Find out which user put it into "${place}", then remove it or correct its owner and mode.`,
    { code: 'HOLDFAST_PERMISSION', resource: path },
  );
}

function kindOf(status: Stats): string {
  if (status.isSymbolicLink()) return 'a symbolic link';
  if (status.isDirectory()) return 'a directory';
  if (status.isFIFO()) return 'a FIFO';
  if (status.isSocket()) return 'a socket';
  return status.isFile() ? 'a file' : 'a device';
}
