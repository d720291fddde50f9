import type { Capabilities } from '../../core/backend.js';
import type { LockError } from '../../core/errors.js';

/** How many components at the end of a path have names of ours, and one more trusted user there (-1: none). */
export interface OwnPart {
  readonly depth: number;
  readonly owner: number;
}

/** How lock files that we place ourselves are opened and made; see `private-file`. */
export interface OwnFiles {
  readonly partOf: (path: string) => OwnPart;
  /** Makes the file and those of its directories that have names of ours, unless they are there. */
  readonly make: (path: string, part: OwnPart) => void;
  readonly failure: (path: string, part: OwnPart, errno: string) => LockError;
}

export const FLOCK_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'host',
  orphan: 'released',
  fencing: true,
  permits: true,
  ticks: true,
};

export interface FlockConfig {
  /** Mode of a lock file that has to be created, less the umask. */
  readonly createMode: number;
  /** For lock files that we place ourselves. Absent: paths that users name. */
  readonly own?: OwnFiles;
  /**
   * Throws when the directory at `path` is locked in another way, so that a kernel lock on it would exclude no other holder.
   * Asked before a directory is locked, each time.
   */
  readonly assertLockableDirectory?: (path: string) => void;
}

/** A path that the user named. */
export const NAMED_FILE: FlockConfig = { createMode: 0o666 };
