import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import type { Destination } from './replacement.js';

/** As many links in a row as the kernel follows (path_resolution(7)). */
const LINK_LIMIT = 40;

export function destinationOf(path: string): Destination {
  const absolute = resolve(path);
  return { directory: dirname(absolute), name: basename(absolute), path: absolute };
}

/** Where the links at `path` end: a link is written through, not replaced, and may dangle. */
export function linkedDestination(path: string): Destination {
  let current = resolve(path);
  for (let links = 0; links < LINK_LIMIT; links++) {
    try {
      return destinationOf(realpathSync.native(current));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    try {
      current = resolve(dirname(current), readlinkSync(current));
    } catch {
      break;
    }
  }
  return destinationOf(current);
}
