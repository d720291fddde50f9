import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { fileSystemKindOfDirectory } from './filesystem.js';
import { isInitialPidNamespace } from './identity.js';
import { inodesOfLockLines } from './lock-lines.js';
import { isProcOurs } from './process-stat.js';

/** Where `stat` gives the inode that /proc/locks prints. On overlayfs, btrfs and their like it may be another. */
const TRUE_INODES = new Set(['ext4', 'xfs', 'tmpfs', 'ramfs']);

/**
 * Many files against one look at the kernel's table: nearly all of them are free, and for those the table and one stat
 * say so. A look of its own for each of 10 000 files would read the table 10 000 times.
 *
 * INV-SURVEY-1 A file that a process held or waited for when the survey was taken is never called free.
 */
export class LockSurvey {
  /** Of every lock and wait; undefined where the table is missing, or hides the locks of other pid namespaces. */
  readonly #inodes = readInodes();
  readonly #devices = new Map<string, number | undefined>();

  /** The regular file at `path` is free. False: look closer. */
  isSurelyFree(path: string): boolean {
    const inodes = this.#inodes;
    if (inodes === undefined) return false;
    const status = statSync(path, { throwIfNoEntry: false });
    if (status?.isFile() !== true || !Number.isSafeInteger(status.ino)) return false;
    if (inodes.has(String(status.ino))) return false;
    return status.dev === this.#trueDevice(dirname(path));
  }

  /** The device of a directory whose files have true inodes; a file that is mounted there by itself has another. */
  #trueDevice(directory: string): number | undefined {
    if (!this.#devices.has(directory)) {
      const isTrue = TRUE_INODES.has(fileSystemKindOfDirectory(directory).name);
      this.#devices.set(directory, isTrue ? statSync(directory, { throwIfNoEntry: false })?.dev : undefined);
    }
    return this.#devices.get(directory);
  }
}

function readInodes(): ReadonlySet<string> | undefined {
  if (!isProcOurs() || !isInitialPidNamespace()) return undefined;
  try {
    return inodesOfLockLines(readFileSync('/proc/locks', 'latin1'));
  } catch {
    return undefined;
  }
}
