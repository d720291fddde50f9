import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';
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
    renameInTurn(temporary, directory.at(basename(path)));
  } catch (error) {
    tryUnlinkSync(temporary);
    throw error;
  } finally {
    directory.close();
  }
  if (isDurable) syncDirectorySync(dirname(path));
}

/** How often a rename is tried while another program (a virus scanner) has one of the files open, and the pause between. */
const RENAME_ATTEMPTS = 40;
const RENAME_PAUSE_MS = 25;

/** Windows refuses to replace a file that another program has open without sharing it. The thread waits a second for that. */
function renameInTurn(from: string, to: string): void {
  for (let attempts = 1; ; attempts++) {
    try {
      return renameSync(from, to);
    } catch (error) {
      if (!isWindowsSharingViolation(error) || attempts === RENAME_ATTEMPTS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RENAME_PAUSE_MS);
    }
  }
}

/** ERROR_SHARING_VIOLATION and ERROR_ACCESS_DENIED, as libuv translates them. Elsewhere these errnos mean what they say. */
export function isWindowsSharingViolation(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(errnoOf(error) ?? '');
}

function tryUnlinkSync(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made, or has been renamed.
  }
}
