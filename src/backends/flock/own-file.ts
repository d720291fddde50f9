import { dirname } from 'node:path';

import { isMissing } from '../../files/open-own.js';
import { makeOwnFile } from '../../files/make-own.js';
import { makeLockDirectory } from '../../files/side-folder.js';
import type { OwnPart } from './config.js';

/**
 * Makes a lock file of ours and the directories of it that are missing.
 *
 * @throws LockError
 */
export function makeLockFile(path: string, own: OwnPart): void {
  makeLockDirectory(dirname(path));
  try {
    makeOwnFile(path, own);
  } catch (error) {
    // The directory was removed or replaced meanwhile: the next attempt makes it anew.
    if (!isMissing(error)) throw error;
  }
}
