import { dirname } from 'node:path';

import { formatDuration } from '../core/duration.js';
import { isLockError, LockError } from '../core/errors.js';
import type { Guard } from '../core/guard.js';
import { isSame } from '../core/holder.js';
import { writeFileDurable } from '../durable/write.js';
import { bootId } from '../platform/identity.js';
import { refreshNames } from '../files/replaced.js';
import { acquire } from '../locks/acquire.js';
import { deadlineSignal, type DeadlineSignal } from '../net/deadline.js';
import { NetworkFailure } from '../net/network-failure.js';
import { unlessAborted } from '../net/within.js';
import { emit } from './events.js';
import { FailureFile } from './failure-record.js';
import type { Reading } from './file-reader.js';
import { fencingTokenIn, type CacheContent, type CacheMeta } from './format.js';
import { nextVersion } from './next-version.js';
import type { Refreshed, RefreshOptions, RefreshParts } from './refresh-options.js';
import { isOwnPayload, type SourceResult } from './source.js';

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

type Encoded<T> = Refreshed<T> & { readonly bytes: Buffer; readonly content: CacheContent };

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
      // A caller that gave up proves nothing about the source.
      if (signal?.aborted !== true) {
        const isOwn = limit.isExpired || attempts !== undefined || isOwnLimit(failure);
        const ownLimitMs = isOwn ? timeoutMs : undefined;
        this.#failures.leave(failure, { failedAtMs: clock.wallNow(), fetch: began, ownLimitMs });
      }
      throw failure;
    } finally {
      limit.dispose();
    }
    if (result.kind === 'new' && result.isStorable === false) {
      this.#failures.remove();
      return encoded;
    }
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
    const { bytes, content } = nextVersion(found, result, source, {
      clock,
      fetch: { ...began, endedMs: bootClock.now() },
      ttlMs: this.#options.ttlMs,
      fencingToken: guard.fencingToken,
    });
    const by = result.kind === 'new' ? 'fetch' : 'unchanged';
    return { bytes, content, version: await reader.parse(content), by };
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
