import { dirname } from 'node:path';

import { isMissing } from '../../files/open-own.js';
import { makeOwnFile } from '../../files/make-own.js';
import { makeLockDirectory, ownPartOf } from '../../files/side-folder.js';
import { openFailure } from '../../files/trust.js';
import type { FlockConfig, OwnPart } from './config.js';

const IN_LOCK_DIR: OwnPart = { depth: 1, owner: -1 };

/** Beside a data file, or in a `lockDir`. A module of its own: bundles that lock only named paths leave it out. */
export const PRIVATE_FILE: FlockConfig = {
  createMode: 0o600,
  own: {
    partOf: (path) => ownPartOf(path) ?? IN_LOCK_DIR,
    make: makeLockFile,
    failure: openFailure,
  },
};

/**
 * Makes a lock file of ours and the directories of it that are missing.
 *
 * @throws LockError
 */
function makeLockFile(path: string, own: OwnPart): void {
  makeLockDirectory(dirname(path));
  try {
    makeOwnFile(path, own);
  } catch (error) {
    // The directory was removed or replaced meanwhile: the next attempt makes it anew.
    if (!isMissing(error)) throw error;
  }
}
