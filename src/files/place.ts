import { readdirSync, statSync } from 'node:fs';

import { errnoOf, systemError } from '../core/system-error.js';
import { isStickyPlace } from './rights.js';
import { inSideFolder, locksIn } from './side-folder.js';

/** Whom locks beside the files of a directory are shared with, and whether what stands there may be used. */
export interface PlaceFinding {
  readonly fact: string;
  /** False: locks there are refused. */
  readonly isGood: boolean;
}

/** For `doctor`, by the rules that locks go by. @throws LockError when the directory cannot be read. */
export function judgePlace(directory: string): PlaceFinding {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw systemError('read', directory, errnoOf(error) ?? 'EIO', error);
  }
  try {
    for (const locks of locksIn(directory, names)) inSideFolder(locks, () => undefined);
  } catch (error) {
    return { fact: (error as Error).message, isGood: false };
  }
  return sharingOf(directory);
}

function sharingOf(directory: string): PlaceFinding {
  const place = statSync(directory);
  if (process.platform === 'win32')
    return { fact: 'by the access control list of the directory', isGood: true };
  if (isStickyPlace(place)) return { fact: 'each user has locks of their own (.holdfast-UID)', isGood: true };
  if ((place.mode & 0o002) !== 0) {
    const fact = `every user may write here (mode ${(place.mode & 0o7777).toString(8)}), and so remove a lock that is held`;
    return { fact: `${fact}. Use a directory that only those who share it may write`, isGood: true };
  }
  if ((place.mode & 0o020) !== 0)
    return { fact: `shared by group ${place.gid}, which may write here`, isGood: true };
  return { fact: `private to user ${place.uid}`, isGood: true };
}
