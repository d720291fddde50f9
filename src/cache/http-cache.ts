import { createHash } from 'node:crypto';

import { LockError } from '../core/errors.js';
import { systemClock } from '../platform/clock.js';
import { fetchBytes } from '../net/fetch.js';
import { NetworkFailure } from '../net/network-failure.js';
import { displayUrl, splitCredentials } from '../net/url.js';
import {
  Cache,
  type CacheCallOptions,
  type CacheOptions,
  type CacheRefreshOptions,
  type CacheResult,
} from './cache.js';
import type { CacheMeta } from './format.js';
import { payloadOfBody, type BodyFormat } from './payload.js';
import type { Source, SourceRequest, SourceResult } from './source.js';

export interface HttpCacheOptions<T> extends CacheOptions<T> {
  /** How to understand the body. Default `json`. `auto` goes by the content type, then by the bytes. */
  readonly format?: BodyFormat;
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

export const HTTP_CACHE_MAX_SIZE_BYTES = 67_108_864;

/**
 * What a URL delivers, in a file that one process refreshes while all others read it without a lock. Refreshes are
 * conditional (ETag, Last-Modified) and try again what may pass.
 *
 * @example
 * const list = new HttpCache<Jdk[]>('jdks.json', 'https://example.org/jdks', { ttlMs: 86_400_000 });
 * const { value, isStale } = await list.get();
 */
export class HttpCache<T> {
  readonly path: string;
  readonly #cache: Cache<T>;

  /** @throws TypeError when `url` is no http or https URL. */
  constructor(path: string, url: string | URL, options: HttpCacheOptions<T> = {}) {
    if (!URL.canParse(String(url)) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new TypeError(`"${displayUrl(url)}" is no http or https URL.`);
    }
    this.path = path;
    this.#cache = new Cache<T>(path, httpSource<T>(url, options), options);
  }

  /** See `SharedCache.get`. */
  get(options: CacheCallOptions = {}): Promise<CacheResult<T>> {
    return this.#cache.get(options);
  }

  /** See `SharedCache.refresh`. */
  refresh(options: CacheRefreshOptions = {}): Promise<CacheResult<T>> {
    return this.#cache.refresh(options);
  }
}

function httpSource<T>(url: string | URL, options: HttpCacheOptions<T>): Source<T> {
  const name = displayUrl(url);
  // The query is not for people to see, but it makes another payload.
  const id = createHash('sha256').update(splitCredentials(url).url.href).digest('hex').slice(0, 32);
  const { format = 'json', headers = {}, attempts, firstRetryMs, idleTimeoutMs } = options;
  return {
    name,
    id,
    async fetch(request: SourceRequest<T>): Promise<SourceResult> {
      const { signal, timeoutMs, statedTimeoutMs, timeoutSource, onProgress, onRetry } = request;
      const conditions = conditionsOf(request.previous?.meta, id);
      const answer = await fetchBytes(url, {
        clock: systemClock,
        headers: { ...headers, ...conditions },
        acceptedStatus: Object.keys(conditions).length > 0 ? [304] : [],
        maxSizeBytes: options.maxSizeBytes ?? HTTP_CACHE_MAX_SIZE_BYTES,
        signal,
        timeoutMs,
        statedTimeoutMs,
        timeoutSource,
        ...(attempts !== undefined && { attempts }),
        ...(firstRetryMs !== undefined && { firstRetryMs }),
        ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
        ...(onProgress && { onProgress }),
        ...(onRetry && { onRetry }),
      });
      if (answer.status === 304) return { kind: 'unchanged' };
      const payload = payloadOfBody(answer.body, format, answer.headers.get('content-type'));
      if (payload === undefined) throw unusable(name, format, answer.headers.get('content-type'));
      return {
        kind: 'new',
        payload,
        etag: answer.headers.get('etag') ?? undefined,
        lastModified: answer.headers.get('last-modified') ?? undefined,
      };
    },
  };
}

/** Tags of another URL's payload would make the server confirm something that it never sent. */
function conditionsOf(meta: CacheMeta | undefined, sourceId: string): Record<string, string> {
  if (meta === undefined || meta.sourceId !== sourceId) return {};
  return {
    ...(meta.etag !== undefined && { 'if-none-match': meta.etag }),
    ...(meta.lastModified !== undefined && { 'if-modified-since': meta.lastModified }),
  };
}

/** A login page of a hotel, for instance: status 200, and not what was asked for. */
function unusable(name: string, format: BodyFormat, contentType: string | null): LockError {
  const wanted = format === 'text' ? 'UTF-8 text' : 'JSON';
  const fact = `the answer is no ${wanted} (its content type is ${contentType ?? 'not given'})`;
  return new LockError(`Could not fetch "${name}": ${fact}. Check the URL.`, {
    code: 'HOLDFAST_NETWORK',
    resource: name,
    cause: new NetworkFailure(fact, { kind: 'request', isTransient: false }),
  });
}
