import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import { realPathOf } from '../files/real-path.js';
import { locksBeside } from '../files/side-folder.js';

/**
 * The lock file that guards the data file at the absolute `dataPath`. Links and relative paths to one file give
 * one lock; in a common `lockDir` a hash of the real path keeps equal base names apart.
 */
export function dataLockPath(dataPath: string, lockDir: string | undefined): string {
  const real = realPathOf(dataPath);
  const name = basename(real);
  if (lockDir === undefined) return join(locksBeside(dirname(real), real), `${name}.lock`);
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 16);
  return join(lockDir, `${name}.${hash}.lock`);
}
