import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';

export function notADirectory(path: string): LockError {
  return new LockError(
    `Could not lock "${path}": it is a file, and a lease is a directory. Another program locks it as flock:${path}; use the same address everywhere.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource: path },
  );
}

export function notALease(path: string): LockError {
  return new LockError(
    `Could not lock "${path}": it is a directory without the record of a lease. Name a path that does not exist yet, or use flock:${path} to lock the directory itself.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource: path },
  );
}

export function recordLost(path: string): LockError {
  return new LockError(
    `Could not lock "${path}": its state file is gone, so it is unknown whether it is held. Make sure that nothing works under it, then move the directory away.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}

export function unreadableState(path: string, name: string): LockError {
  return new LockError(
    `Could not lock "${path}": its state "${name}" is none that this version knows. Use the newest version of holdfast that works on it.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}

export function unconfirmed(path: string, holderId: string, cause: unknown): LockError {
  return new LockError(
    `Could not lock "${path}": whether holder ${holderId} got it was not known before its lease ended. Others wait that lease out; try again.`,
    { code: 'HOLDFAST_UNCONFIRMED', resource: path, cause },
  );
}

/** What a failed call on the directory is reported as. */
export function callFailed(action: string, path: string, error: unknown): Error {
  const errno = errnoOf(error);
  return errno === undefined ? (error as Error) : systemError(action, path, errno, error);
}
