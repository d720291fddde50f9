import { dirname } from 'node:path';

import { makeOwnFile } from '../../files/make-own.js';
import { inLockDirectory, ownPartOf } from '../../files/side-folder.js';
import { openFailure } from '../../files/trust.js';
import type { FlockConfig, OwnPart } from './config.js';

const IN_LOCK_DIR: OwnPart = { depth: 1, owner: -1 };

/** Beside a data file, or in a `lockDir`. A module of its own: bundles that lock only named paths leave it out. */
export const PRIVATE_FILE: FlockConfig = {
  createMode: 0o600,
  own: {
    partOf: (path) => ownPartOf(path) ?? IN_LOCK_DIR,
    make: (path, part) => inLockDirectory(dirname(path), () => makeOwnFile(path, part)),
    failure: openFailure,
  },
};
