import { dirname } from 'node:path';

import type { Clock } from '../core/time.js';
import { formatDuration } from '../core/duration.js';
import { isLockError, LockError } from '../core/errors.js';
import { isSame, newHolderId } from '../core/holder.js';
import type { WaitEvent } from '../core/events.js';
import type { Guard } from '../core/guard.js';
import { writeFileDurable } from '../durable/write.js';
import type { BootClock } from '../platform/clock.js';
import { bootId } from '../platform/identity.js';
import { refreshNames } from '../files/replaced.js';
import { acquire } from '../locks/acquire.js';
import type { Lock } from '../locks/lock.js';
import type { Progress } from '../net/attempt.js';
import { deadlineSignal } from '../net/deadline.js';
import type { RetryEvent } from '../net/fetch.js';
import { tell, type CacheListener } from './events.js';
import { adoptedFailure, isToStayAway, leaveFailure, readFailure, removeFailure } from './failure-record.js';
import type { FileReader, Reading, Version } from './file-reader.js';
import { encodeCache, fencingTokenIn, type CacheContent, type CacheMeta } from './format.js';
import type { Source, SourceResult } from './source.js';

/** Whose refresh will do instead of an own one. */
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
  readonly ttlMs: number | undefined;
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
 * (1) note what is there and which failure was left last; (2) wait for the lock; (3) look again, and use what somebody
 * else has fetched, or failed to fetch, in the meantime; (4) only then fetch; (5) write durably, still under the lock.
 *
 * @throws LockError of the lock, of the source, of the write.
 */
export async function refresh<T>(parts: RefreshParts<T>, options: RefreshOptions): Promise<Refreshed<T>> {
  const { clock, path } = parts;
  const calledAt = clock.now();
  const sinceBootMs = options.sinceBootMs ?? parts.bootClock.now();
  const seenFailure = readFailure(path)?.id;
  const deadline = calledAt + options.timeoutMs;
  await using guard = await acquireRefreshLock(parts, options);
  const waitedMs = clock.now() - calledAt;
  await refreshNames(dirname(path));
  const found = await parts.reader.read();
  const isSince = (moment: { readonly bootId: string | undefined }, bootMs: number): boolean =>
    isSame(moment.bootId, bootId()) && bootMs > sinceBootMs + parts.bootClock.resolutionMs;
  if (found.kind === 'ok') {
    const { header, meta } = found.version;
    const isOther = header.contentId !== options.seenContentId || isSince(meta.fetch, meta.fetch.endedMs);
    if (options.accept === 'completed-since' ? isOther : isSince(meta.fetch, meta.fetch.beganMs)) {
      return tellRefreshed(parts, found.version, 'other', waitedMs);
    }
  }
  const failure = readFailure(path);
  if (failure !== undefined) {
    const isAdopted =
      failure.id !== seenFailure &&
      (options.accept === 'completed-since' || isSince(failure.fetch, failure.fetch.beganMs));
    const isAway = !options.isForced && isToStayAway(failure, clock.wallNow());
    if (isAdopted || isAway) throw adoptedFailure(path, failure, clock.wallNow());
  }
  const fetched = await fetchAndWrite(parts, options, guard, found, deadline);
  return tellRefreshed(parts, fetched.version, fetched.by, waitedMs);
}

function acquireRefreshLock<T>(parts: RefreshParts<T>, options: RefreshOptions): Promise<Guard> {
  const { timeoutMs, timeoutSource, signal } = options;
  return acquire(parts.lock, {
    timeoutMs,
    timeoutSource,
    reason: 'refreshing a cache',
    onWait: (event) => {
      if (event.type === 'started') tell(parts.listener, { type: 'contention', path: parts.path });
      options.onWait?.(event);
    },
    ...(signal && { signal }),
  });
}

async function fetchAndWrite<T>(
  parts: RefreshParts<T>,
  options: RefreshOptions,
  guard: Guard,
  found: Reading<T>,
  deadline: number,
): Promise<Refreshed<T>> {
  const { clock, path, reader } = parts;
  const began = { bootId: bootId(), beganMs: parts.bootClock.now() };
  const generation = found.kind === 'ok' ? found.version.header.generation : undefined;
  tell(parts.listener, { type: 'refresh-started', path, generation });
  const limit = deadlineSignal(clock, deadline - clock.now(), options.signal);
  let fetched: Encoded<T>;
  try {
    const timeoutMs = Math.max(0, deadline - clock.now());
    const result = await unlessAborted(
      fetchFrom(parts, options, found, limit.signal, timeoutMs),
      limit.signal,
    );
    fetched = await encode(parts, options, guard, found, result, began);
  } catch (error) {
    const failure = limit.isExpired && !isLockError(error) ? sourceTimeout(path, options, error) : error;
    // A caller who gave up says nothing about the source.
    if (options.signal?.aborted !== true) leaveFailure(path, failure, clock.wallNow(), began);
    throw failure;
  } finally {
    limit.dispose();
  }
  await writeFileDurable(path, fetched.bytes, {
    guard,
    fencing: { token: guard.fencingToken, tokenOf: fencingTokenIn },
    timeoutMs: Math.max(0, deadline - clock.now()),
    ...(options.signal && { signal: options.signal }),
    ...(parts.mode !== undefined && { mode: parts.mode }),
  });
  reader.keep(fetched.content, fetched.version);
  removeFailure(path);
  return { version: fetched.version, by: fetched.by };
}

function fetchFrom<T>(
  { source }: RefreshParts<T>,
  options: RefreshOptions,
  found: Reading<T>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<SourceResult> {
  const { timeoutMs: statedTimeoutMs, timeoutSource, onProgress, onRetry } = options;
  const previous = found.kind === 'ok' ? { value: found.version.value, meta: found.version.meta } : undefined;
  return source.fetch({ previous, signal, timeoutMs, statedTimeoutMs, timeoutSource, onProgress, onRetry });
}

interface Encoded<T> {
  readonly bytes: Buffer;
  readonly content: CacheContent;
  readonly version: Version<T>;
  readonly by: Refreshed<T>['by'];
}

/** The new file, understood before anything is written: a payload that does not fit leaves the old one in place. */
async function encode<T>(
  parts: RefreshParts<T>,
  options: RefreshOptions,
  guard: Guard,
  found: Reading<T>,
  result: SourceResult,
  began: Omit<CacheMeta['fetch'], 'endedMs'>,
): Promise<Encoded<T>> {
  const { clock, source } = parts;
  const old = found.kind === 'ok' ? found.content : undefined;
  const isNew = result.kind === 'new';
  if (!isNew && old === undefined)
    throw new TypeError('The source says "unchanged", but there is nothing yet.');
  const { format, data } = isNew ? result.payload : { format: old!.meta.format, data: old!.data };
  const { etag, lastModified } = isNew ? result : old!.meta;
  const meta: CacheMeta = {
    format,
    fetchedAtMs: clock.wallNow(),
    ttlMs: options.ttlMs === Infinity ? null : (options.ttlMs ?? old?.meta.ttlMs),
    fetch: { ...began, endedMs: parts.bootClock.now() },
    source: source.name,
    sourceId: source.id,
    etag,
    lastModified,
    fencingToken: guard.fencingToken?.toString(),
  };
  const facts = { generation: nextGeneration(found, clock), contentId: newHolderId() };
  const { bytes, content } = encodeCache(facts, meta, data);
  return { bytes, content, version: await parts.reader.parse(content), by: isNew ? 'fetch' : 'unchanged' };
}

/** A source that does not listen to its signal must not hold the lock for ever. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function sourceTimeout(path: string, options: RefreshOptions, cause: unknown): LockError {
  const limit = `timeout ${formatDuration(options.timeoutMs)} (${options.timeoutSource})`;
  return new LockError(
    `Could not refresh "${path}": its source timed out: it did not deliver within the ${limit}. Try again later, or raise the timeout.`,
    { code: 'HOLDFAST_NETWORK', resource: path, cause },
  );
}

/** Above everything that was ever readable. Where not even a number is left, seconds since 1970 are above any count. */
function nextGeneration<T>(found: Reading<T>, clock: Clock): number {
  if (found.kind === 'ok') return found.version.header.generation + 1;
  if (found.kind === 'missing') return 1;
  return (found.generation ?? Math.floor(clock.wallNow() / 1_000)) + 1;
}

function tellRefreshed<T>(
  parts: RefreshParts<T>,
  version: Version<T>,
  by: Refreshed<T>['by'],
  waitedMs: number,
): Refreshed<T> {
  const { generation, length } = version.header;
  tell(parts.listener, { type: 'refreshed', path: parts.path, generation, by, waitedMs, sizeBytes: length });
  return { version, by };
}
