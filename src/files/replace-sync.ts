import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { openParent } from './make-own.js';
import { giveRights, type Rights } from './rights.js';
import { syncDirectorySync } from './sync-directory.js';
import { newTempName } from './temp-name.js';
import type { OwnOptions } from './trust.js';

export interface ReplaceOptions extends OwnOptions {
  /** Permission bits of the new file, less the umask. Default 0o600. */
  readonly mode?: number;
  /** Owner, group and bits, whatever the umask is; see `fileRights`. */
  readonly rights?: Rights;
  /** False: a power failure may leave the old file, or an empty one. For what can be made again. Default true. */
  readonly isDurable?: boolean;
  /** Name of the temp file beside `path`, where a protocol has its own form. Must not recur. */
  readonly temporaryName?: string;
}

/**
 * Replaces a file of ours: a temp file is written beside it, synced and renamed, and the directory synced. Readers, and
 * a restart after a crash, find the old content or the new, whole. A link at `path` is replaced, never followed.
 * Blocks the thread for two fsyncs.
 *
 * @throws the error of the system call; LockError HOLDFAST_PERMISSION for a directory of ours that is not trusted.
 *   Nothing is left then, unless only the last sync failed.
 */
export function replaceFileSync(path: string, data: string | Uint8Array, options: ReplaceOptions = {}): void {
  const { mode = 0o600, isDurable = true, rights, depth = 1 } = options;
  const directory = openParent(path, options, depth);
  const temporary = directory.at(options.temporaryName ?? newTempName(basename(path), false));
  try {
    const file = openSync(temporary, 'wx', rights === undefined ? mode : 0o600);
    try {
      if (rights !== undefined) giveRights(file, rights);
      const bytes = Buffer.from(data);
      for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
      if (isDurable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, directory.at(basename(path)));
  } catch (error) {
    tryUnlinkSync(temporary);
    throw error;
  } finally {
    directory.close();
  }
  if (isDurable) syncDirectorySync(dirname(path));
}

function tryUnlinkSync(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made, or has been renamed.
  }
}
