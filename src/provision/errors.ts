import { LockError, type ErrorCode } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';

/** `Could not install "llama.cpp": <fact>. <nextStep>.` */
export function installError(
  code: ErrorCode,
  recipe: string,
  fact: string,
  nextStep: string,
  cause?: unknown,
): LockError {
  return new LockError(`Could not install "${recipe}": ${fact}. ${nextStep}.`, {
    code,
    resource: recipe,
    ...(cause !== undefined && { cause }),
  });
}

/** A file call that failed, as the user gets it. Everything else is returned as it is. */
export function fileError(action: string, path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  return errno === undefined || error instanceof LockError ? error : systemError(action, path, errno, error);
}
