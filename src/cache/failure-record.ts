import { readFileSync, rmSync } from 'node:fs';

import { isLockError, LockError, type ErrorCode } from '../core/errors.js';
import { newHolderId } from '../core/holder.js';
import { replaceFileSync } from '../files/replace-sync.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { NetworkFailure } from '../net/network-failure.js';

/** Left beside the cache by a refresh that failed, for those who were queued behind it and would only fail again. */
export interface FailureRecord {
  readonly schema: 1;
  /** Random: tells whether this failure is newer than one seen before. */
  readonly id: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly failedAtMs: number;
  readonly fetch: { readonly bootId: string | undefined; readonly beganMs: number };
  /** Milliseconds after `failedAtMs` before which the server does not want to be asked again. */
  readonly retryAfterMs?: number | undefined;
}

export function failurePath(cachePath: string): string {
  return `${cachePath}.failed`;
}

/** Undefined when there is none, or none that this version understands: then one more fetch is all it costs. */
export function readFailure(cachePath: string): FailureRecord | undefined {
  try {
    const path = failurePath(cachePath);
    const record = JSON.parse(readReplacedSync(path, () => readFileSync(path, 'utf8'))) as FailureRecord;
    const isWhole =
      record.schema === 1 && typeof record.id === 'string' && typeof record.message === 'string';
    return isWhole ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Only under the lock. Best effort: on a full disk the waiters find out by themselves. */
export function leaveFailure(
  cachePath: string,
  error: unknown,
  failedAtMs: number,
  fetch: FailureRecord['fetch'],
): void {
  const { code, message, cause } = isLockError(error)
    ? error
    : { code: 'HOLDFAST_NETWORK' as const, message: String(error), cause: undefined };
  const record: FailureRecord = {
    schema: 1,
    id: newHolderId(),
    code,
    message,
    failedAtMs,
    fetch,
    retryAfterMs: cause instanceof NetworkFailure ? cause.retryAfterMs : undefined,
  };
  const path = failurePath(cachePath);
  try {
    replaceFileSync(path, `${JSON.stringify(record)}\n`, { isDurable: false });
  } catch {
    removeFailure(cachePath);
  }
}

export function removeFailure(cachePath: string): void {
  try {
    rmSync(failurePath(cachePath), { force: true });
  } catch {
    // A directory that turned read-only: the write of the cache itself has reported that.
  }
}

/** The server's wish is kept; a record from the future (a clock that was set back) is not believed. */
export function isToStayAway(record: FailureRecord, wallNowMs: number): boolean {
  const ageMs = wallNowMs - record.failedAtMs;
  return ageMs >= 0 && ageMs < (record.retryAfterMs ?? 0);
}

/** The same failure, for one who did not fetch. */
export function adoptedFailure(cachePath: string, record: FailureRecord, wallNowMs: number): LockError {
  const waitSeconds = Math.ceil(((record.retryAfterMs ?? 0) - (wallNowMs - record.failedAtMs)) / 1_000);
  const nextStep = waitSeconds > 0 ? `Try again in ${waitSeconds} s` : 'Try again later';
  const fact = `another refresh has just failed: ${record.message.replace(/\.$/, '')}`;
  return new LockError(`Could not refresh "${cachePath}": ${fact}. ${nextStep}.`, {
    code: record.code,
    resource: cachePath,
  });
}
