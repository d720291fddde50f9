import { LockError } from '../core/errors.js';
import { fetchBytes, type FetchOptions } from '../net/fetch.js';
import { NetworkFailure } from '../net/network-failure.js';
import { displayUrl } from '../net/url.js';
import { Cache } from './cache.js';
import type { CacheCallOptions, CacheOptions, CacheRefreshOptions, CacheResult } from './options.js';
import type { CacheContent, CacheMeta } from './format.js';
import { isOfFormat, payloadOfBody, type BodyFormat } from './payload.js';
import { requestIdentity, urlIdentity } from './request-identity.js';
import { serverPolicy } from './server-policy.js';
import type { Source, SourceRequest, SourceResult } from './source.js';

export interface HttpCacheOptions<T> extends CacheOptions<T> {
  /** How to understand the body. Default `json`. `auto`: as before, else by the content type, then by the bytes. */
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

  /** Ends a refresh in the background (`staleWhileRevalidateMs`), if there is one. */
  close(): void {
    this.#cache.close();
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

/** For callers that want the payload's very bytes, as the command does. */
export function openHttpCache(
  path: string,
  url: string,
  options: HttpCacheOptions<CacheContent>,
): Cache<CacheContent> {
  return new Cache(path, httpSource(url, options), options, (content) => Promise.resolve(content));
}

function httpSource<T>(url: string | URL, options: HttpCacheOptions<T>): Source<T> {
  const name = displayUrl(url);
  const { format = 'json', headers = {}, firstRetryMs, idleTimeoutMs } = options;
  return {
    name,
    id: requestIdentity(url, headers),
    accepts: (stored) => isOfFormat(stored, format),
    async fetch(request: SourceRequest<T>): Promise<SourceResult> {
      const { signal, timeoutMs, statedTimeoutMs, timeoutSource, onProgress, onRetry, clock } = request;
      const previous = request.previous?.meta;
      const conditions = conditionsOf(previous);
      const attempts = request.attempts ?? options.attempts;
      const answer = await fetchBytes(url, {
        clock,
        headers,
        conditions,
        acceptedStatus: conditions === undefined ? [] : [304],
        // Bytes are wanted as they are stored at the server, not as they travel.
        isRaw: format === 'bytes',
        isDetached: request.isDetached,
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
      const policy = await serverPolicy(url, headers, answer);
      if (answer.status === 304) return { kind: 'unchanged', server: policy.server };
      const contentType = answer.headers.get('content-type');
      const payload = payloadOfBody(answer.body, format, { contentType, previous });
      if (typeof payload === 'string') throw unusable(name, payload, answer.body, contentType);
      return {
        kind: 'new',
        payload,
        isStorable: options.ttlMs !== 'server' || policy.isStorable,
        facts: {
          etag: answer.headers.get('etag') ?? undefined,
          lastModified: answer.headers.get('last-modified') ?? undefined,
          answeredBy: urlIdentity(answer.url),
          contentType: contentType ?? undefined,
          server: policy.server,
          hasByteOrderMark: payload.hasByteOrderMark || undefined,
        },
      };
    },
  };
}

/** Sent to the URL that answered last only: the tags of one redirect's target say nothing about another. */
function conditionsOf(meta: CacheMeta | undefined): FetchOptions['conditions'] {
  const { etag, lastModified, answeredBy } = meta ?? {};
  if (answeredBy === undefined || (etag ?? lastModified) === undefined) return undefined;
  return {
    isFor: (url) => urlIdentity(url) === answeredBy,
    headers: {
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
    },
  };
}

/** A login page of a hotel, for instance: status 200, and not what was asked for. */
function unusable(name: string, wanted: string, body: Buffer, contentType: string | null): LockError {
  const what = body.length === 0 ? 'is empty' : `has the content type ${contentType ?? 'not given'}`;
  const fact = `the answer is not ${wanted}: it ${what}`;
  return new LockError(`Could not fetch "${name}": ${fact}. Check the URL.`, {
    code: 'HOLDFAST_NETWORK',
    resource: name,
    cause: new NetworkFailure(fact, { kind: 'request', isTransient: false }),
  });
}
