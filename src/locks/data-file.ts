import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where lock files for data files live, beside the data. */
export const LOCK_DIRECTORY = join('.holdfast', 'locks');

/**
 * The lock file that guards the data file at the absolute `dataPath`. Links and relative paths to one file give
 * one lock; in a common `lockDir` a hash of the real path keeps equal base names apart.
 */
export function dataLockPath(dataPath: string, lockDir: string | undefined): string {
  const real = realPathOf(dataPath);
  const name = basename(real);
  if (lockDir === undefined) return join(dirname(real), LOCK_DIRECTORY, `${name}.lock`);
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 16);
  return join(lockDir, `${name}.${hash}.lock`);
}

/** The real path of a file that may not exist yet: then its directory decides. */
export function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    try {
      return join(realpathSync.native(dirname(path)), basename(path));
    } catch {
      return path;
    }
  }
}
