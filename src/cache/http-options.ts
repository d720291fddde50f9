import { NUMBER, OBJECT, oneOf, type OptionRule } from '../core/check-options.js';
import { CACHE_OPTIONS, type CacheOptions } from './options.js';
import type { BodyFormat } from './payload.js';

/** Options of {@link HttpCache}. */
export interface HttpCacheOptions<T> extends CacheOptions<T> {
  /** How to understand the body. Default `json`. `auto`: as before, else by the content type, then by the bytes. */
  readonly format?: BodyFormat;
  /** Headers of every request. Default: none of its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Attempts in all; only what may pass is tried again. Default 4. */
  readonly attempts?: number;
  /** Wait before the second attempt; it doubles from there, half of it random. Default 1 000. */
  readonly firstRetryMs?: number;
  /** Milliseconds without a byte after which an attempt has failed. Default 30 000. */
  readonly idleTimeoutMs?: number;
  /** Bytes of the decoded body above which it is refused. Default 64 MiB: payloads are held in memory. */
  readonly maxSizeBytes?: number;
}

/** Default limit of a response in bytes: 64 MiB. */
export const HTTP_CACHE_MAX_SIZE_BYTES = 67_108_864;

export const HTTP_CACHE_OPTIONS = {
  ...CACHE_OPTIONS,
  format: oneOf('json', 'text', 'bytes', 'auto'),
  headers: OBJECT,
  attempts: NUMBER,
  firstRetryMs: NUMBER,
  idleTimeoutMs: NUMBER,
  maxSizeBytes: NUMBER,
} satisfies Record<keyof HttpCacheOptions<unknown>, OptionRule>;
