import { createHash } from 'node:crypto';
import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

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

/** As many as Linux follows; see path_resolution(7). */
const LINKS_FOLLOWED = 40;

/**
 * The real path of a file that may not exist yet: then its directory decides, or, for a link that leads to no file
 * so far, what it leads to. Writing through the link would make that file, and its name would change meanwhile.
 */
export function realPathOf(path: string): string {
  let current = path;
  for (let followed = 0; followed <= LINKS_FOLLOWED; followed++) {
    try {
      return realpathSync.native(current);
    } catch {
      const directory = attemptRealPath(dirname(current));
      if (directory === undefined) return current;
      current = join(directory, basename(current));
    }
    try {
      current = resolve(dirname(current), readlinkSync(current));
    } catch {
      return current;
    }
  }
  return path;
}

function attemptRealPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
