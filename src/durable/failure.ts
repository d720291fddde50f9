import { LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { StepError } from '../files/replacement.js';

/** The error that callers of a durable write see. `sizeBytes`: what was to be written. */
export function writeFailure(path: string, sizeBytes: number, error: unknown): unknown {
  const errno = error instanceof StepError ? error.errno : errnoOf(error);
  if (errno === undefined) return error;
  const cause = error instanceof StepError ? (error.cause ?? error) : error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    const fact = errno === 'ENOSPC' ? 'no space is left on the device' : 'the disk quota is used up';
    return new LockError(
      `Could not write "${path}": ${fact} for ${sizeBytes} bytes (${errno}). The old content is intact; free some space and try again.`,
      { code: 'HOLDFAST_IO', resource: path, cause },
    );
  }
  if (error instanceof StepError && errno === 'EINVAL' && error.step === 'create') {
    return new LockError(
      `Could not write "${path}": it is not a regular file, and would become one. Name another path.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: path, cause },
    );
  }
  if (error instanceof StepError && error.step === 'sync-directory') {
    return new LockError(
      `Could not make "${path}" durable: the new content is in place, but its directory could not be synced (${errno}), so a power failure may bring the old one back. Check the disk.`,
      { code: 'HOLDFAST_IO', resource: path, cause },
    );
  }
  return systemError('write', path, errno, cause);
}

/** What a file says cannot be understood, or is not allowed. */
export function contentError(
  action: string,
  path: string,
  fact: string,
  nextStep: string,
  cause?: unknown,
): LockError {
  return new LockError(`Could not ${action} "${path}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: path,
    cause,
  });
}
