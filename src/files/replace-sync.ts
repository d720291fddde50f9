import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { syncDirectorySync } from './sync-directory.js';
import { newTempName } from './temp-name.js';

export interface ReplaceOptions {
  /** Permission bits of the new file. Default 0o600. */
  readonly mode?: number;
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
 * @throws the error of the system call; nothing is left then, unless only the last sync failed.
 */
export function replaceFileSync(path: string, data: string | Uint8Array, options: ReplaceOptions = {}): void {
  const { mode = 0o600, isDurable = true } = options;
  const temporary = join(dirname(path), options.temporaryName ?? newTempName(basename(path), false));
  try {
    const file = openSync(temporary, 'wx', mode);
    try {
      const bytes = Buffer.from(data);
      for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset);
      if (isDurable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    tryUnlinkSync(temporary);
    throw error;
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
