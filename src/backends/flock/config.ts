import type { Capabilities } from '../../core/backend.js';

export const FLOCK_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'host',
  orphan: 'released',
  fencing: true,
  permits: true,
};

export interface FlockConfig {
  /**
   * Mode of a lock file that has to be created: 0o666 less the umask for a path that the user named, 0o600 for
   * the lock files that we place ourselves.
   */
  readonly createMode: number;
  /** Make missing parent directories (0o700). Only for lock files that we place ourselves. */
  readonly createDirectories: boolean;
  /**
   * Throws when the directory at `path` is locked in another way, so that a kernel lock on it would exclude nobody.
   * Asked before a directory is locked, each time.
   */
  readonly assertLockableDirectory?: (path: string) => void;
}

export const NAMED_FILE: FlockConfig = { createMode: 0o666, createDirectories: false };
export const PRIVATE_FILE: FlockConfig = { createMode: 0o600, createDirectories: true };
