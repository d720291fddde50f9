import type { Clock } from '../core/time.js';
import type { WaitEvent } from '../core/events.js';
import type { BootClock } from '../platform/clock.js';
import type { Lock } from '../locks/lock.js';
import type { Progress } from '../net/attempt.js';
import type { RetryEvent } from '../net/fetch.js';
import type { CacheListener } from './events.js';
import type { FileReader, Version } from './file-reader.js';
import type { Ttl } from './freshness.js';
import type { Source } from './source.js';

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
