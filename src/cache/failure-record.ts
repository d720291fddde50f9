import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { ERROR_CODES, isLockError, LockError, type ErrorCode } from '../core/errors.js';
import { hasFields, isAmount, isFlag, isOneOf, isText, isWallClockMs, optional } from '../core/fields.js';
import { newHolderId } from '../core/holder.js';
import { readOwn } from '../files/open-own.js';
import { replaceFileSync } from '../files/replace-sync.js';
import { besideOf, fileRights } from '../files/rights.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { NetworkFailure } from '../net/network-failure.js';

/** Left beside the cache by a refresh that failed, for callers of the same request that would only fail again. */
export interface FailureRecord {
  readonly schema: 2;
  /** Random: shows whether this failure is newer than one seen before. */
  readonly id: string;
  /** Identity of the request that failed. */
  readonly sourceId?: string | undefined;
  readonly code: ErrorCode;
  readonly message: string;
  readonly failedAtMs: number;
  readonly fetch: { readonly bootId: string | undefined; readonly beganMs: number };
  /** Milliseconds after `failedAtMs` before which the server does not want to be asked again. */
  readonly retryAfterMs?: number | undefined;
  /** The failing caller's own timeout, when that is what ended the fetch. */
  readonly ownLimitMs?: number | undefined;
  /** The server refused this caller (401, 403, 407). */
  readonly isPersonal?: boolean | undefined;
}

/** A server may ask for a pause, not for a year. */
export const RETRY_AFTER_MAX_MS = 300_000;

const PERSONAL_STATUS = new Set([401, 403, 407]);

export function failurePath(cachePath: string): string {
  return `${cachePath}.failed`;
}

const FIELDS = {
  schema: isOneOf([2]),
  id: isText,
  sourceId: optional(isText),
  code: isOneOf(ERROR_CODES),
  message: isText,
  failedAtMs: isWallClockMs,
  fetch: (value: unknown) => hasFields(value, { bootId: optional(isText), beganMs: isAmount }),
  retryAfterMs: optional(isAmount),
  ownLimitMs: optional(isAmount),
  isPersonal: optional(isFlag),
};

/** Undefined when there is none, or none that this version understands: then one more fetch is all it costs. */
export function readFailure(cachePath: string): FailureRecord | undefined {
  try {
    const path = failurePath(cachePath);
    const record = JSON.parse(String(readReplacedSync(path, () => readOwn(path)))) as FailureRecord;
    return hasFields(record, FIELDS) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The failure record of one cache, as one request sees it: failures of other requests do not count. */
export class FailureFile {
  readonly #cachePath: string;
  readonly #sourceId: string | undefined;

  constructor(cachePath: string, sourceId: string | undefined) {
    this.#cachePath = cachePath;
    this.#sourceId = sourceId;
  }

  read(): FailureRecord | undefined {
    const record = readFailure(this.#cachePath);
    return record?.sourceId === this.#sourceId ? record : undefined;
  }

  /** Only under the lock. Best effort: on a full disk the waiters find out by themselves. */
  leave(
    error: unknown,
    facts: Pick<FailureRecord, 'failedAtMs' | 'fetch'> & { readonly ownLimitMs: number | undefined },
  ): void {
    const { code, message, cause } = isLockError(error)
      ? error
      : { code: 'HOLDFAST_NETWORK' as const, message: String(error), cause: undefined };
    const network = cause instanceof NetworkFailure ? cause : undefined;
    const record: FailureRecord = {
      schema: 2,
      id: newHolderId(),
      sourceId: this.#sourceId,
      code,
      message,
      ...facts,
      retryAfterMs: network?.retryAfterMs && Math.min(network.retryAfterMs, RETRY_AFTER_MAX_MS),
      isPersonal: PERSONAL_STATUS.has(network?.status ?? 0) || undefined,
    };
    try {
      replaceFileSync(failurePath(this.#cachePath), `${JSON.stringify(record)}\n`, {
        isDurable: false,
        rights: fileRights(besideOf(dirname(this.#cachePath))),
      });
    } catch {
      this.remove();
    }
  }

  remove(): void {
    try {
      rmSync(failurePath(this.#cachePath), { force: true });
    } catch {
      // A directory that turned read-only: the write of the cache itself has reported that.
    }
  }

  /**
   * Whether `record` is the server's verdict on this request, not the other caller's own trouble: a refusal of its
   * credentials, or a timeout shorter than `timeoutMs`.
   */
  isShared({ isPersonal, ownLimitMs }: FailureRecord, timeoutMs: number): boolean {
    return isPersonal !== true && (ownLimitMs === undefined || timeoutMs <= ownLimitMs);
  }

  /** Whether the server asked for a pause that has not passed. A record from the future (a clock set back) is not believed. */
  isToStayAway(record: FailureRecord, wallNowMs: number): boolean {
    return this.isWithin(record, record.retryAfterMs ?? 0, wallNowMs);
  }

  isWithin(record: FailureRecord, durationMs: number, wallNowMs: number): boolean {
    const ageMs = wallNowMs - record.failedAtMs;
    return ageMs >= 0 && ageMs < durationMs;
  }

  /** The same failure, for a caller that did not fetch. */
  adopted(record: FailureRecord, wallNowMs: number): LockError {
    const waitSeconds = Math.ceil(((record.retryAfterMs ?? 0) - (wallNowMs - record.failedAtMs)) / 1_000);
    const nextStep = waitSeconds > 0 ? `Try again in ${waitSeconds} s` : 'Try again later';
    const fact = `another refresh has just failed: ${record.message.replace(/\.$/, '')}`;
    return new LockError(`Could not refresh "${this.#cachePath}": ${fact}. ${nextStep}.`, {
      code: record.code,
      resource: this.#cachePath,
    });
  }
}
