import { checkOptions, FUNCTION, type OptionRule } from '../core/check-options.js';
import { Cache } from './cache.js';
import {
  CACHE_CALL_OPTIONS,
  CACHE_OPTIONS,
  CACHE_REFRESH_OPTIONS,
  type CacheCallOptions,
  type CacheOptions,
  type CacheRefreshOptions,
  type CacheResult,
} from './options.js';
import { payloadOfValue } from './payload.js';

/** Options of {@link SharedCache}. */
export interface SharedCacheOptions<T> extends CacheOptions<T> {
  /**
   * Gets a new value, which JSON must be able to carry (no Map, Set, NaN or function in it). Runs in one process at a time. Retries are its own business;
   * `signal` aborts at the refresh's deadline.
   */
  readonly fetch: (request: SharedFetchRequest<T>) => T | Promise<T>;
}

const SHARED_CACHE_OPTIONS = {
  ...CACHE_OPTIONS,
  fetch: FUNCTION,
} satisfies Record<keyof SharedCacheOptions<unknown>, OptionRule>;

/** What the fetch function is called with. */
export interface SharedFetchRequest<T> {
  /** Aborts when the refresh is canceled or its deadline passes. */
  readonly signal: AbortSignal;
  /** The value in the file, if there is one. */
  readonly previous: T | undefined;
}

/**
 * A value in a file that one process refreshes while all others read it without a lock. They see the old value or the new
 * one, whole.
 *
 * @example
 * const rates = new SharedCache('rates.json', { ttlMs: 60_000, fetch: () => downloadRates() });
 * const { value } = await rates.get();
 */
export class SharedCache<T> {
  /** Path of the cache file, as given. */
  readonly path: string;
  readonly #cache: Cache<T>;

  /** Calls nothing and reads no file. */
  constructor(path: string, options: SharedCacheOptions<T>) {
    checkOptions(options, SHARED_CACHE_OPTIONS);
    if (typeof options?.fetch !== 'function') throw new TypeError('fetch must be a function.');
    this.path = path;
    this.#cache = new Cache<T>(
      path,
      {
        name: undefined,
        id: undefined,
        accepts: (format) => format === 'json',
        fetch: async ({ signal, previous }) => {
          const value = await options.fetch({ signal, previous: previous?.value });
          return { kind: 'new', payload: payloadOfValue(value) };
        },
      },
      options,
    );
  }

  /** Ends a refresh in the background (`staleWhileRevalidateMs`), if there is one. Never throws. */
  close(): void {
    this.#cache.close();
  }

  /**
   * The value: from the file while it is fresh, otherwise after one refresh, which all processes share. If that fails and
   * there is an old value, that one is returned, with `isStale` and `refreshError`.
   *
   * @throws LockError of the lock, the source or the disk when there is no value to serve; what `fetch` throws.
   */
  async get(options: CacheCallOptions = {}): Promise<CacheResult<T>> {
    checkOptions(options, CACHE_CALL_OPTIONS);
    return this.#cache.get(options);
  }

  /**
   * Fetches, fresh or not, unless another refresh makes that needless (see `accept`). When it fails the old value stays.
   *
   * @throws LockError HOLDFAST_TIMEOUT when another refresh takes too long; of the source; of the disk.
   */
  async refresh(options: CacheRefreshOptions = {}): Promise<CacheResult<T>> {
    checkOptions(options, CACHE_REFRESH_OPTIONS);
    return this.#cache.refresh(options);
  }
}
