import { dirname } from 'node:path';

import type { Clock } from '../core/time.js';
import { formatDuration } from '../core/duration.js';
import { isLockError, LockError } from '../core/errors.js';
import type { WaitEvent } from '../core/events.js';
import type { Guard } from '../core/guard.js';
import { isSame, newHolderId } from '../core/holder.js';
import { writeFileDurable } from '../durable/write.js';
import type { BootClock } from '../platform/clock.js';
import { bootId } from '../platform/identity.js';
import { refreshNames } from '../files/replaced.js';
import { acquire } from '../locks/acquire.js';
import type { Lock } from '../locks/lock.js';
import type { Progress } from '../net/attempt.js';
import { deadlineSignal, type DeadlineSignal } from '../net/deadline.js';
import type { RetryEvent } from '../net/fetch.js';
import { NetworkFailure } from '../net/network-failure.js';
import { unlessAborted } from '../net/within.js';
import { emit, type CacheListener } from './events.js';
import { FailureFile } from './failure-record.js';
import type { FileReader, Reading, Version } from './file-reader.js';
import { encodeCache, fencingTokenIn, type CacheContent, type CacheMeta } from './format.js';
import type { Ttl } from './freshness.js';
import { isOwnPayload, type Source, type SourceResult } from './source.js';

/** Which refresh of another caller is used instead of an own one. */
export type Accept =
  /** Any that completed after the call, though it may have asked its source before. */
  | 'completed-since'
  /** Only one whose fetch began after the call: what the source said then is what the caller will see. */
  | 'begun-since';

export interface RefreshOptions {
  readonly accept: Accept;
  /** Fetch although the server asked to be left alone for a while, and although the last attempt failed. */
  readonly isForced: boolean;
  /** The write that the caller has seen; undefined when it saw none. */
  readonly seenContentId: string | undefined;
  /** On the boot clock: what counts as the moment of the call. Default: now. */
  readonly sinceBootMs?: number | undefined;
  readonly timeoutMs: number;
  readonly timeoutSource: string;
  /** Attempts of the source; undefined: as many as it makes by itself. */
  readonly attempts?: number | undefined;
  /** In the background: does not wait for another refresh, and keeps no process alive. */
  readonly isDetached?: boolean | undefined;
  readonly ttlMs: Ttl | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((event: WaitEvent) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
}

/** What a refresh works with. */
export interface RefreshParts<T> {
  readonly path: string;
  readonly lock: string | Lock;
  readonly source: Source<T>;
  readonly reader: FileReader<T>;
  readonly mode: number | undefined;
  readonly listener: CacheListener | undefined;
  readonly clock: Clock;
  readonly bootClock: BootClock;
}

export interface Refreshed<T> {
  readonly version: Version<T>;
  readonly by: 'fetch' | 'unchanged' | 'other';
}

/**
 * At most one fetch at a time over all processes:
 * (1) note what is there and which failure was left last; (2) wait for the lock; (3) look again, and use what another
 * caller of the same request has fetched, or failed to fetch, in the meantime; (4) only then fetch; (5) write durably,
 * still under the lock.
 *
 * @throws LockError of the lock, of the source, of the write.
 */
export function refresh<T>(parts: RefreshParts<T>, options: RefreshOptions): Promise<Refreshed<T>> {
  return new Refresh(parts, options).run();
}

interface Encoded<T> {
  readonly bytes: Buffer;
  readonly content: CacheContent;
  readonly version: Version<T>;
  readonly by: Refreshed<T>['by'];
}

class Refresh<T> {
  readonly #parts: RefreshParts<T>;
  readonly #options: RefreshOptions;
  readonly #failures: FailureFile;
  readonly #sinceBootMs: number;
  readonly #deadline: number;

  constructor(parts: RefreshParts<T>, options: RefreshOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#failures = new FailureFile(parts.path, parts.source.id);
    this.#sinceBootMs = options.sinceBootMs ?? parts.bootClock.now();
    this.#deadline = parts.clock.now() + options.timeoutMs;
  }

  async run(): Promise<Refreshed<T>> {
    const { clock, path, reader } = this.#parts;
    const calledAt = clock.now();
    const seenFailureId = this.#failures.read()?.id;
    await using guard = await this.#lock();
    const waitedMs = clock.now() - calledAt;
    await refreshNames(dirname(path));
    const found = await reader.read();
    const refreshed: Refreshed<T> =
      this.#writtenByOther(found) ?? (await this.#fetchUnlessFailed(guard, found, seenFailureId));
    const { generation, length } = refreshed.version.header;
    emit(this.#parts.listener, {
      type: 'refreshed',
      path,
      generation,
      by: refreshed.by,
      waitedMs,
      sizeBytes: length,
    });
    return refreshed;
  }

  #lock(): Promise<Guard> {
    const { lock, listener, path } = this.#parts;
    const { timeoutMs, timeoutSource, signal, isDetached = false } = this.#options;
    return acquire(lock, {
      timeoutMs: isDetached ? 0 : timeoutMs,
      timeoutSource,
      reason: 'refreshing a cache',
      onWait: (event) => {
        if (event.type === 'started') emit(listener, { type: 'contention', path });
        this.#options.onWait?.(event);
      },
      ...(signal && { signal }),
    });
  }

  /** What another caller of the same request has written since. */
  #writtenByOther(found: Reading<T>): Refreshed<T> | undefined {
    if (found.kind !== 'ok') return undefined;
    const { header, meta } = found.version;
    if (!isOwnPayload(this.#parts.source, meta)) return undefined;
    const { accept, seenContentId } = this.#options;
    const isUsed =
      accept === 'completed-since'
        ? header.contentId !== seenContentId || this.#isSince(meta.fetch, meta.fetch.endedMs)
        : this.#isSince(meta.fetch, meta.fetch.beganMs);
    return isUsed ? { version: found.version, by: 'other' } : undefined;
  }

  async #fetchUnlessFailed(
    guard: Guard,
    found: Reading<T>,
    seenFailureId: string | undefined,
  ): Promise<Refreshed<T>> {
    const { accept, isForced, timeoutMs } = this.#options;
    const wallNowMs = this.#parts.clock.wallNow();
    const failure = this.#failures.read();
    if (failure !== undefined) {
      const isNew =
        failure.id !== seenFailureId &&
        (accept === 'completed-since' || this.#isSince(failure.fetch, failure.fetch.beganMs));
      const isAway = !isForced && this.#failures.isToStayAway(failure, wallNowMs);
      if ((isNew && this.#failures.isShared(failure, timeoutMs)) || isAway)
        throw this.#failures.adopted(failure, wallNowMs);
    }
    return this.#fetchAndWrite(guard, found);
  }

  async #fetchAndWrite(guard: Guard, found: Reading<T>): Promise<Refreshed<T>> {
    const { clock, path, reader, mode, listener } = this.#parts;
    const { signal, attempts, timeoutMs } = this.#options;
    const generation = found.kind === 'ok' ? found.version.header.generation : undefined;
    emit(listener, { type: 'refresh-started', path, generation });
    const began = { bootId: bootId(), beganMs: this.#parts.bootClock.now() };
    const limit = deadlineSignal(clock, this.#deadline - clock.now(), signal);
    let result: SourceResult;
    let encoded: Encoded<T>;
    try {
      // A source that ignores its signal must not hold the lock for ever.
      result = await unlessAborted(limit.signal, this.#fetch(found, limit), () => undefined);
      encoded = await this.#encode(guard, found, result, began);
    } catch (error) {
      const failure = limit.isExpired && !isLockError(error) ? this.#sourceTimeout(error) : error;
      // A caller who gave up says nothing about the source.
      if (signal?.aborted !== true) {
        const isOwn = limit.isExpired || attempts !== undefined || isOwnLimit(failure);
        const ownLimitMs = isOwn ? timeoutMs : undefined;
        this.#failures.leave(failure, { failedAtMs: clock.wallNow(), fetch: began, ownLimitMs });
      }
      throw failure;
    } finally {
      limit.dispose();
    }
    if (result.kind === 'new' && result.isStorable === false) return encoded;
    await writeFileDurable(path, encoded.bytes, {
      guard,
      fencing: { token: guard.fencingToken, tokenOf: fencingTokenIn },
      timeoutMs: Math.max(0, this.#deadline - clock.now()),
      ...(signal && { signal }),
      ...(mode !== undefined && { mode }),
    });
    reader.keep(encoded.content, encoded.version);
    this.#failures.remove();
    return encoded;
  }

  #fetch(found: Reading<T>, limit: DeadlineSignal): Promise<SourceResult> {
    const { source, clock } = this.#parts;
    const { timeoutMs: statedTimeoutMs, timeoutSource, attempts, onProgress, onRetry } = this.#options;
    const version = found.kind === 'ok' ? found.version : undefined;
    const isOwn = version !== undefined && isOwnPayload(source, version.meta);
    return source.fetch({
      previous: isOwn ? { value: version.value, meta: version.meta } : undefined,
      signal: limit.signal,
      timeoutMs: Math.max(0, this.#deadline - clock.now()),
      statedTimeoutMs,
      timeoutSource,
      attempts,
      isDetached: this.#options.isDetached ?? false,
      clock,
      onProgress,
      onRetry,
    });
  }

  /** The new file, understood before anything is written: a payload that does not fit leaves the old one in place. */
  async #encode(
    guard: Guard,
    found: Reading<T>,
    result: SourceResult,
    began: Omit<CacheMeta['fetch'], 'endedMs'>,
  ): Promise<Encoded<T>> {
    const { clock, source, bootClock, reader } = this.#parts;
    const old = found.kind === 'ok' ? found.content : undefined;
    const isNew = result.kind === 'new';
    if (!isNew && old === undefined)
      throw new TypeError('The source says "unchanged", but there is nothing yet.');
    const { format, data } = isNew ? result.payload : { format: old!.meta.format, data: old!.data };
    const facts = isNew
      ? result.facts
      : { ...answerFacts(old!.meta), ...(result.server && { server: result.server }) };
    const { ttlMs } = this.#options;
    const meta: CacheMeta = {
      format,
      fetchedAtMs: clock.wallNow(),
      ttlMs:
        ttlMs === Infinity
          ? null
          : ttlMs === 'server'
            ? (facts?.server?.ttlMs ?? 0)
            : (ttlMs ?? old?.meta.ttlMs),
      fetch: { ...began, endedMs: bootClock.now() },
      source: source.name,
      sourceId: source.id,
      ...facts,
      fencingToken: guard.fencingToken?.toString(),
    };
    const { bytes, content } = encodeCache(
      { generation: nextGeneration(found, clock), contentId: newHolderId() },
      meta,
      data,
    );
    return { bytes, content, version: await reader.parse(content), by: isNew ? 'fetch' : 'unchanged' };
  }

  #isSince(moment: { readonly bootId: string | undefined }, bootMs: number): boolean {
    return isSame(moment.bootId, bootId()) && bootMs > this.#sinceBootMs + this.#parts.bootClock.resolutionMs;
  }

  #sourceTimeout(cause: unknown): LockError {
    const { timeoutMs, timeoutSource } = this.#options;
    const { path } = this.#parts;
    const limit = `timeout ${formatDuration(timeoutMs)} (${timeoutSource})`;
    return new LockError(
      `Could not refresh "${path}": its source timed out: it did not deliver within the ${limit}. Try again later, or raise the timeout.`,
      { code: 'HOLDFAST_NETWORK', resource: path, cause },
    );
  }
}

function isOwnLimit(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof NetworkFailure && error.cause.isOwnLimit;
}

function answerFacts({ etag, lastModified, answeredBy, contentType, server, hasByteOrderMark }: CacheMeta) {
  return { etag, lastModified, answeredBy, contentType, server, hasByteOrderMark };
}

/** Above everything that was ever readable. Where not even a number is left, seconds since 1970 are above any count. */
function nextGeneration<T>(found: Reading<T>, clock: Clock): number {
  if (found.kind === 'ok') return found.version.header.generation + 1;
  if (found.kind === 'missing') return 1;
  return (found.generation ?? Math.floor(clock.wallNow() / 1_000)) + 1;
}
