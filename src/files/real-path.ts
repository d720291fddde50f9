import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { errnoOf } from '../core/system-error.js';

/** As many links in a row as the kernel follows (path_resolution(7)). */
const LINK_LIMIT = 40;

/**
 * The real path of a file that may not exist yet: then its directory decides, or, for a link that leads to no file so
 * far, what it leads to. Writing through the link makes that file, and its name must not change meanwhile.
 *
 * @throws the error of realpath(3) unless it is ENOENT.
 */
export function resolveLinks(path: string): string {
  let current = resolve(path);
  for (let links = 0; links <= LINK_LIMIT; links++) {
    const found = existing(current);
    if (found !== undefined) return found;
    const directory = existing(dirname(current));
    if (directory === undefined) return current;
    current = join(directory, basename(current));
    const target = targetOf(current);
    if (target === undefined) return current;
    current = resolve(directory, target);
  }
  return current;
}

/** {@link resolveLinks} for a name: where the links cannot be read, the path stands for itself. */
export function realPathOf(path: string): string {
  try {
    return resolveLinks(path);
  } catch {
    return join(attempt(() => realpathSync.native(dirname(path))) ?? dirname(path), basename(path));
  }
}

function existing(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function targetOf(path: string): string | undefined {
  return attempt(() => readlinkSync(path));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
