import type { Capabilities } from '../../core/backend.js';
import { ownPartOf } from '../../files/side-folder.js';

/** How many components at the end of a path have names of ours, and one more user who is trusted there (-1: none). */
export interface OwnPart {
  readonly depth: number;
  readonly owner: number;
}

const IN_LOCK_DIR: OwnPart = { depth: 1, owner: -1 };

export const FLOCK_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'host',
  orphan: 'released',
  fencing: true,
  permits: true,
};

export interface FlockConfig {
  /** Mode of a lock file that has to be created, less the umask. */
  readonly createMode: number;
  /**
   * For lock files that we place ourselves: which part of the path has names of ours. It is opened by the rules of
   * `files/open-own`, and what is missing is made.
   */
  readonly ownPart?: (path: string) => OwnPart;
  /**
   * Throws when the directory at `path` is locked in another way, so that a kernel lock on it would exclude nobody.
   * Asked before a directory is locked, each time.
   */
  readonly assertLockableDirectory?: (path: string) => void;
}

/** A path that the user named. */
export const NAMED_FILE: FlockConfig = { createMode: 0o666 };
/** Beside a data file, or in a `lockDir`. */
export const PRIVATE_FILE: FlockConfig = {
  createMode: 0o600,
  ownPart: (path) => ownPartOf(path) ?? IN_LOCK_DIR,
};
