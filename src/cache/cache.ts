import type { WaitEvent } from '../core/events.js';
import { bootClock, systemClock } from '../platform/clock.js';
import { availableNative } from '../platform/native.js';
import { validated, type StandardSchema } from '../durable/standard-schema.js';
import { lockFor, type Lock } from '../locks/lock.js';
import type { Progress } from '../net/attempt.js';
import type { RetryEvent } from '../net/fetch.js';
import { tell, type CacheListener } from './events.js';
import { FileReader, type Version } from './file-reader.js';
import { CACHE_TIMEOUT_MS, freshnessOf } from './freshness.js';
import { valueOf } from './payload.js';
import { refresh, type Accept, type Refreshed, type RefreshParts } from './refresh.js';
import type { Source } from './source.js';

export interface CacheOptions<T> {
  /** Milliseconds for which a payload counts as fresh. Default: what the file says, or {@link CACHE_TTL_MS}. */
  readonly ttlMs?: number;
  /** Milliseconds behind the TTL in which a stale payload is served at once, and refreshed in the background. Default 0. */
  readonly staleWhileRevalidateMs?: number;
  /** Checked whenever a new payload is parsed. One that does not fit is refused, or fetched anew. */
  readonly schema?: StandardSchema<T>;
  /** Milliseconds for a refresh, the wait for others included. Default {@link CACHE_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** As messages name it. */
  readonly timeoutSource?: string;
  /** Taken around every refresh, in the place of the lock beside the file (`lockFor(path)`). */
  readonly lock?: string | Lock;
  /** Directory for the lock file, instead of `.holdfast/locks` beside the cache. */
  readonly lockDir?: string;
  /** Permission bits of the file. Default: those it has, or 0o600: caches that other users read want 0o644. */
  readonly mode?: number;
  readonly onEvent?: CacheListener;
}

export interface CacheCallOptions {
  readonly timeoutMs?: number;
  readonly timeoutSource?: string;
  readonly signal?: AbortSignal;
  readonly onWait?: (event: WaitEvent) => void;
  readonly onProgress?: (progress: Progress) => void;
  readonly onRetry?: (event: RetryEvent) => void;
}

export interface CacheRefreshOptions extends CacheCallOptions {
  /** Which refresh of somebody else will do. Default `begun-since`: only one that asked its source after this call. */
  readonly accept?: Accept;
  /** @internal On the boot clock: the moment that `accept` means. */
  readonly sinceBootMs?: number;
}

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

/** The engine under `SharedCache` and `HttpCache`. */
export class Cache<T> {
  readonly #parts: RefreshParts<T>;
  readonly #options: CacheOptions<T>;
  #isRevalidating = false;

  constructor(path: string, source: Source<T>, options: CacheOptions<T>) {
    this.#options = options;
    const { lockDir, schema } = options;
    this.#parts = {
      path,
      source,
      lock: options.lock ?? lockFor(path, lockDir === undefined ? {} : { lockDir }),
      reader: new FileReader<T>(path, (content) => validated(schema, valueOf(content), 'use', path)),
      mode: options.mode,
      listener: options.onEvent,
      clock: systemClock,
      bootClock: bootClock(availableNative()),
    };
  }

  async get(options: CacheCallOptions): Promise<CacheResult<T>> {
    const { reader, path, clock, listener } = this.#parts;
    let version = reader.unchanged();
    let brokenFact: string | undefined;
    if (version === undefined) {
      const reading = await reader.read();
      if (reading.kind === 'ok') ({ version } = reading);
      else if (reading.kind === 'broken') brokenFact = reading.fact;
    }
    if (version === undefined) {
      const isBroken = brokenFact !== undefined;
      tell(listener, {
        type: 'miss',
        path,
        reason: isBroken ? 'broken' : 'missing',
        ...(isBroken && { fact: brokenFact }),
      });
      return this.#resultOf(await this.#refresh(options, 'completed-since', false, undefined));
    }
    const { source } = this.#parts;
    const { ageMs, ttlMs, ...age } = freshnessOf(version.meta, this.#options.ttlMs, clock.wallNow());
    const isForeign = source.id !== undefined && version.meta.sourceId !== source.id;
    const isStale = age.isStale || isForeign;
    const isServedStale =
      !isForeign && ageMs >= 0 && ageMs < ttlMs + (this.#options.staleWhileRevalidateMs ?? 0);
    if (!isStale || isServedStale) {
      tell(listener, { type: 'hit', path, generation: version.header.generation, isStale });
      if (isStale) this.#revalidate(version.header.contentId);
      return this.#resultOf({ version, by: 'file' });
    }
    tell(listener, { type: 'miss', path, reason: 'stale' });
    return this.#refreshOrServe(version, options);
  }

  async refresh(options: CacheRefreshOptions): Promise<CacheResult<T>> {
    const seen = this.#parts.reader.contentId();
    return this.#resultOf(
      await this.#refresh(options, options.accept ?? 'begun-since', true, seen, options.sinceBootMs),
    );
  }

  async #refreshOrServe(old: Version<T>, options: CacheCallOptions): Promise<CacheResult<T>> {
    try {
      return this.#resultOf(await this.#refresh(options, 'completed-since', false, old.header.contentId));
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      tell(this.#parts.listener, {
        type: 'refresh-failed',
        path: this.#parts.path,
        error,
        isInBackground: false,
      });
      return { ...this.#resultOf({ version: old, by: 'file' }), refreshError: error };
    }
  }

  /** Detached from the caller: its signal and its end have nothing to do with it. One at a time in this process. */
  #revalidate(seen: string): void {
    if (this.#isRevalidating) return;
    this.#isRevalidating = true;
    const options = { timeoutMs: this.#options.timeoutMs ?? CACHE_TIMEOUT_MS };
    this.#refresh(options, 'completed-since', false, seen)
      .catch((error: unknown) => {
        tell(this.#parts.listener, {
          type: 'refresh-failed',
          path: this.#parts.path,
          error,
          isInBackground: true,
        });
      })
      .finally(() => {
        this.#isRevalidating = false;
      });
  }

  #refresh(
    options: CacheCallOptions,
    accept: Accept,
    isForced: boolean,
    seenContentId: string | undefined,
    sinceBootMs?: number,
  ): Promise<Refreshed<T>> {
    const own = this.#options;
    const timeoutMs = options.timeoutMs ?? own.timeoutMs ?? CACHE_TIMEOUT_MS;
    const isDefault = options.timeoutMs === undefined && own.timeoutMs === undefined;
    const timeoutSource = options.timeoutSource ?? own.timeoutSource ?? (isDefault ? 'default' : 'timeoutMs');
    const { signal, onWait, onProgress, onRetry } = options;
    return refresh(this.#parts, {
      accept,
      isForced,
      seenContentId,
      sinceBootMs,
      timeoutMs,
      timeoutSource,
      signal,
      onWait,
      onProgress,
      onRetry,
      ttlMs: own.ttlMs,
    });
  }

  #resultOf({ version, by }: { version: Version<T>; by: CacheResult<T>['origin'] }): CacheResult<T> {
    const { header, meta, value } = version;
    return {
      value,
      generation: header.generation,
      fetchedAt: new Date(meta.fetchedAtMs),
      isStale: freshnessOf(meta, this.#options.ttlMs, this.#parts.clock.wallNow()).isStale,
      origin: by,
    };
  }
}
