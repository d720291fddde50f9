import { checkOptions } from '../core/check-options.js';
import { displayUrl } from '../net/url.js';
import { Cache } from './cache.js';
import type { CacheContent } from './format.js';
import { httpSource } from './http-source.js';
import { HTTP_CACHE_OPTIONS, type HttpCacheOptions } from './http-options.js';
import {
  CACHE_CALL_OPTIONS,
  CACHE_REFRESH_OPTIONS,
  type CacheCallOptions,
  type CacheRefreshOptions,
  type CacheResult,
} from './options.js';

/**
 * What a URL delivers, in a file that one process refreshes while all others read it without a lock. Refreshes are
 * conditional (ETag, Last-Modified) and try again what may pass.
 *
 * @example
 * const list = new HttpCache<Jdk[]>('jdks.json', 'https://example.org/jdks', { ttlMs: 86_400_000 });
 * const { value, isStale } = await list.get();
 */
export class HttpCache<T> {
  /** Path of the cache file, as given. */
  readonly path: string;
  readonly #cache: Cache<T>;

  /**
   * Makes no request and reads no file.
   *
   * @throws TypeError when `url` is no http or https URL.
   */
  constructor(path: string, url: string | URL, options: HttpCacheOptions<T> = {}) {
    if (!URL.canParse(String(url)) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new TypeError(`"${displayUrl(url)}" is no http or https URL.`);
    }
    checkOptions(options, HTTP_CACHE_OPTIONS);
    this.path = path;
    this.#cache = new Cache<T>(path, httpSource<T>(url, options), options);
  }

  /** Ends a refresh in the background (`staleWhileRevalidateMs`), if there is one. Never throws. */
  close(): void {
    this.#cache.close();
  }

  /**
   * See `SharedCache.get`.
   *
   * @throws as `SharedCache.get` does.
   */
  async get(options: CacheCallOptions = {}): Promise<CacheResult<T>> {
    checkOptions(options, CACHE_CALL_OPTIONS);
    return this.#cache.get(options);
  }

  /**
   * See `SharedCache.refresh`.
   *
   * @throws as `SharedCache.refresh` does.
   */
  async refresh(options: CacheRefreshOptions = {}): Promise<CacheResult<T>> {
    checkOptions(options, CACHE_REFRESH_OPTIONS);
    return this.#cache.refresh(options);
  }
}

/** For callers that want the payload's very bytes, as the command does. */
export function openHttpCache(
  path: string,
  url: string,
  options: HttpCacheOptions<CacheContent>,
): Cache<CacheContent> {
  return new Cache(path, httpSource(url, options), options, (content) => Promise.resolve(content));
}
