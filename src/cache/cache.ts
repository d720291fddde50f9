import type { Clock } from '../core/time.js';
import { isLockError } from '../core/errors.js';
import { bootClock, systemClock } from '../platform/clock.js';
import { availableNative } from '../platform/native.js';
import { validated } from '../durable/standard-schema.js';
import { lockFor } from '../locks/lock.js';
import { emit } from './events.js';
import { FailureFile } from './failure-record.js';
import { FileReader, type Version } from './file-reader.js';
import type { CacheContent } from './format.js';
import { CACHE_TIMEOUT_MS, FAILURE_TTL_MS, freshnessOf, isByServer, STALE_REFRESH_MS } from './freshness.js';
import { valueOf } from './payload.js';
import { refresh } from './refresh.js';
import type { Accept, Refreshed, RefreshOptions, RefreshParts } from './refresh-options.js';
import type { CacheCallOptions, CacheOptions, CacheRefreshOptions, CacheResult } from './options.js';
import { isOwnPayload, type Source } from './source.js';

/** Its timers do not keep the process alive. */
const detachedClock: Clock = {
  ...systemClock,
  setTimer: (delayMs, fn) => systemClock.setTimer(delayMs, fn, { keepsProcessAlive: false }),
};

/** The engine under `SharedCache` and `HttpCache`. */
export class Cache<T> {
  readonly #parts: RefreshParts<T>;
  readonly #options: CacheOptions<T>;
  readonly #failures: FailureFile;
  #background: AbortController | undefined;

  /** @param parse makes a value of what is in the file; default: what the payload says, checked by the schema. */
  constructor(
    path: string,
    source: Source<T>,
    options: CacheOptions<T>,
    parse: (content: CacheContent) => Promise<T> = (content) =>
      validated(options.schema, valueOf(content), 'use', path),
  ) {
    this.#options = options;
    this.#failures = new FailureFile(path, source.id);
    const { lockDir } = options;
    this.#parts = {
      path,
      source,
      lock: options.lock ?? lockFor(path, lockDir === undefined ? {} : { lockDir }),
      reader: new FileReader<T>(path, parse),
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
      emit(listener, {
        type: 'miss',
        path,
        reason: isBroken ? 'broken' : 'missing',
        ...(isBroken && { fact: brokenFact }),
      });
      return this.#resultOf(await this.#refresh(options, 'completed-since', false, undefined));
    }
    const { ageMs, ttlMs, isStale } = freshnessOf(version.meta, this.#options.ttlMs, clock.wallNow());
    if (!isOwnPayload(this.#parts.source, version.meta)) {
      // Another request's payload is no value for this one, however stale.
      emit(listener, {
        type: 'miss',
        path,
        reason: 'missing',
        fact: 'it holds the payload of another request',
      });
      return this.#resultOf(await this.#refresh(options, 'completed-since', false, version.header.contentId));
    }
    const mustRevalidate =
      isByServer(this.#options.ttlMs, version.meta) && version.meta.server?.mustRevalidate === true;
    const isServedStale =
      !mustRevalidate && ageMs >= 0 && ageMs < ttlMs + (this.#options.staleWhileRevalidateMs ?? 0);
    if (!isStale || isServedStale) {
      emit(listener, { type: 'hit', path, generation: version.header.generation, isStale });
      if (isStale) this.#revalidate(version.header.contentId);
      return this.#resultOf({ version, by: 'file' });
    }
    emit(listener, { type: 'miss', path, reason: 'stale' });
    if (mustRevalidate)
      return this.#resultOf(await this.#refresh(options, 'completed-since', false, version.header.contentId));
    return this.#refreshOrServe(version, options);
  }

  async refresh(options: CacheRefreshOptions): Promise<CacheResult<T>> {
    const seen = this.#parts.reader.contentId();
    return this.#resultOf(
      await this.#refresh(options, options.accept ?? 'begun-since', true, seen, {
        sinceBootMs: options.sinceBootMs,
      }),
    );
  }

  /** With an old payload in hand: one short attempt, and none soon after one that failed. */
  async #refreshOrServe(old: Version<T>, options: CacheCallOptions): Promise<CacheResult<T>> {
    const { clock, path, listener } = this.#parts;
    const failure = this.#failures.read();
    const { failureTtlMs = FAILURE_TTL_MS } = this.#options;
    if (failure !== undefined && this.#failures.isWithin(failure, failureTtlMs, clock.wallNow())) {
      const refreshError = this.#failures.adopted(failure, clock.wallNow());
      return { ...this.#resultOf({ version: old, by: 'file' }), refreshError };
    }
    const { beganMs, endedMs } = old.meta.fetch;
    const shortMs = Math.max(STALE_REFRESH_MS, 3 * (endedMs - beganMs));
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? CACHE_TIMEOUT_MS;
    const limited =
      timeoutMs <= shortMs
        ? options
        : { ...options, timeoutMs: shortMs, timeoutSource: 'while an old payload is at hand' };
    try {
      return this.#resultOf(
        await this.#refresh(limited, 'completed-since', false, old.header.contentId, { attempts: 1 }),
      );
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      emit(listener, { type: 'refresh-failed', path, error, isInBackground: false });
      return { ...this.#resultOf({ version: old, by: 'file' }), refreshError: error };
    }
  }

  /** Ends a refresh in the background, if there is one. The file stays as it is. */
  close(): void {
    this.#background?.abort(new Error('the cache was closed'));
  }

  /**
   * Detached from the caller: its signal and its end do not matter, and the process may end meanwhile. One at a time in
   * this process; where another process refreshes already, that is enough.
   */
  #revalidate(seen: string): void {
    if (this.#background !== undefined) return;
    const { signal } = (this.#background = new AbortController());
    this.#refresh({ signal }, 'completed-since', false, seen, { isDetached: true })
      .catch((error: unknown) => {
        if (signal.aborted || (isLockError(error) && error.code === 'HOLDFAST_CONTENDED')) return;
        const { path, listener } = this.#parts;
        emit(listener, { type: 'refresh-failed', path, error, isInBackground: true });
      })
      .finally(() => {
        this.#background = undefined;
      });
  }

  #refresh(
    options: CacheCallOptions,
    accept: Accept,
    isForced: boolean,
    seenContentId: string | undefined,
    special: Pick<RefreshOptions, 'attempts' | 'isDetached' | 'sinceBootMs'> = {},
  ): Promise<Refreshed<T>> {
    const own = this.#options;
    const timeoutMs = options.timeoutMs ?? own.timeoutMs ?? CACHE_TIMEOUT_MS;
    const isDefault = options.timeoutMs === undefined && own.timeoutMs === undefined;
    const timeoutSource = options.timeoutSource ?? own.timeoutSource ?? (isDefault ? 'default' : 'timeoutMs');
    const { signal, onWait, onProgress, onRetry } = options;
    const parts = special.isDetached === true ? { ...this.#parts, clock: detachedClock } : this.#parts;
    return refresh(parts, {
      ...special,
      accept,
      isForced,
      seenContentId,
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
