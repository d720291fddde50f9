import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';

export interface MakeDirectoryOptions {
  /** Permission bits of each directory that is made, less the umask. Default 0o777. */
  readonly mode?: number;
  /**
   * How many directories may be made, counted from the end of the path. Default: as many as are missing. What lies
   * above is the user's own, and a mistyped path must not come into being.
   */
  readonly levels?: number;
}

/**
 * Makes the directory `path` and the missing ones above it; one that is there stays as it is. Not Node's `recursive`:
 * that reports ENOENT where the system said EROFS, and never returns where the file system answers ENOENT below a
 * directory that exists, as /proc does.
 *
 * @throws the error of mkdir(2).
 */
export function makeDirectory(path: string, options: MakeDirectoryOptions = {}): void {
  const { mode = 0o777, levels = Infinity } = options;
  const error = tryMake(path, mode);
  if (error === undefined) return;
  const parent = dirname(path);
  if (errnoOf(error) !== 'ENOENT' || levels <= 1 || parent === path) throw error;
  makeDirectory(parent, { mode, levels: levels - 1 });
  // A second ENOENT is not about a missing parent.
  const second = tryMake(path, mode);
  if (second !== undefined) throw second;
}

/** The error; undefined when there is a directory, or whatever else has that name. */
function tryMake(path: string, mode: number): unknown {
  try {
    mkdirSync(path, { mode });
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'EEXIST' ? undefined : error;
  }
}
