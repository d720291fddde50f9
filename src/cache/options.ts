import {
  FUNCTION,
  NUMBER,
  OBJECT,
  SIGNAL,
  TEXT,
  either,
  oneOf,
  type OptionRule,
} from '../core/check-options.js';
import type { WaitEvent } from '../core/events.js';
import type { StandardSchema } from '../durable/standard-schema.js';
import { LOCK, type Lock } from '../locks/lock.js';
import type { Progress } from '../net/attempt.js';
import type { RetryEvent } from '../net/fetch.js';
import type { CacheListener } from './events.js';
import type { Ttl } from './freshness.js';
import type { Accept, Refreshed } from './refresh-options.js';

/** Options of every cache. */
export interface CacheOptions<T> {
  /**
   * Milliseconds for which a payload counts as fresh; `server`: as long as the answer's own headers say (Cache-Control,
   * Expires, Age; RFC 9111), and `no-store` and `must-revalidate` are honoured. Default: what the file says, or
   * {@link CACHE_TTL_MS}.
   */
  readonly ttlMs?: Ttl;
  /**
   * Milliseconds for which a failed refresh is remembered: `get` serves the old payload meanwhile, without asking the
   * source again. `refresh` always asks. Default {@link FAILURE_TTL_MS}.
   */
  readonly failureTtlMs?: number;
  /** Milliseconds behind the TTL in which a stale payload is served at once, and refreshed in the background. Default 0. */
  readonly staleWhileRevalidateMs?: number;
  /**
   * Validates a payload whenever a new one is parsed. One that does not fit is refused, or fetched anew. Default:
   * none.
   */
  readonly schema?: StandardSchema<T>;
  /** Milliseconds for a refresh, the wait for others included. Default {@link CACHE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Where the timeout comes from, as messages name it. Default `timeoutMs`. */
  readonly timeoutSource?: string;
  /** The lock that is held during a refresh. Default: the lock beside the file (`lockFor(path)`). */
  readonly lock?: string | Lock;
  /**
   * Directory for the lock file, instead of `.holdfast/locks` beside the cache. Default: `.holdfast/locks` beside
   * the cache.
   */
  readonly lockDir?: string;
  /** Permission bits of the file. Default: those it has, or 0o600: caches that other users read want 0o644. */
  readonly mode?: number;
  /** Receives what happens to the cache. Default: none. */
  readonly onEvent?: CacheListener;
}

/** Options of one call. */
export interface CacheCallOptions {
  /** Milliseconds for waiting and refreshing together. Default: that of the cache. */
  readonly timeoutMs?: number;
  /** Where the timeout comes from, as messages name it. Default `timeoutMs`. */
  readonly timeoutSource?: string;
  /** Ends the call with HOLDFAST_CANCELED. A refresh for other callers goes on. Default: none. */
  readonly signal?: AbortSignal;
  /** Called when the call must wait for the refresh of another process. Default: none. */
  readonly onWait?: (event: WaitEvent) => void;
  /** Called as a download proceeds. Default: none. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called before a failed request is repeated. Default: none. */
  readonly onRetry?: (event: RetryEvent) => void;
}

/** Options of one refresh. */
export interface CacheRefreshOptions extends CacheCallOptions {
  /** Which refresh of another caller is used instead. Default `begun-since`: only one whose fetch began after this call. */
  readonly accept?: Accept;
  /** @internal On the boot clock: the moment that `accept` means. */
  readonly sinceBootMs?: number;
}

/** What a call of a cache resolves with. */
export interface CacheResult<T> {
  /** JSON is frozen: all callers of this process share one copy. */
  readonly value: T;
  /** Rises with every write of the file. */
  readonly generation: number;
  /** Wall clock. */
  readonly fetchedAt: Date;
  /** Older than its TTL, because a refresh runs in the background or has failed. */
  readonly isStale: boolean;
  /** `file`: read as it was. Otherwise how the refresh that this call waited for got it. */
  readonly origin: 'file' | Refreshed<T>['by'];
  /** Why this call's refresh failed, where an old payload could be served instead. */
  readonly refreshError?: unknown;
}

export const CACHE_OPTIONS = {
  ttlMs: either(NUMBER, oneOf('server')),
  failureTtlMs: NUMBER,
  staleWhileRevalidateMs: NUMBER,
  schema: OBJECT,
  timeoutMs: NUMBER,
  timeoutSource: TEXT,
  lock: LOCK,
  lockDir: TEXT,
  mode: NUMBER,
  onEvent: FUNCTION,
} satisfies Record<keyof CacheOptions<unknown>, OptionRule>;

export const CACHE_CALL_OPTIONS = {
  timeoutMs: NUMBER,
  timeoutSource: TEXT,
  signal: SIGNAL,
  onWait: FUNCTION,
  onProgress: FUNCTION,
  onRetry: FUNCTION,
} satisfies Record<keyof CacheCallOptions, OptionRule>;

export const CACHE_REFRESH_OPTIONS = {
  ...CACHE_CALL_OPTIONS,
  accept: oneOf('completed-since', 'begun-since'),
  sinceBootMs: NUMBER,
} satisfies Record<keyof CacheRefreshOptions, OptionRule>;
