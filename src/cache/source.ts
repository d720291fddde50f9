import type { Progress } from '../net/attempt.js';
import type { RetryEvent } from '../net/fetch.js';
import type { CacheMeta } from './format.js';
import type { Payload } from './payload.js';

/** What a refresh gives to the source of its payload. */
export interface SourceRequest<T> {
  /** What is in the file now, if that is whole. */
  readonly previous: { readonly value: T; readonly meta: CacheMeta } | undefined;
  /** Aborts at the refresh's deadline or with the caller's signal. */
  readonly signal: AbortSignal;
  /** Milliseconds left to that deadline; may be Infinity. */
  readonly timeoutMs: number;
  /** The whole of it, as the user gave it. */
  readonly statedTimeoutMs: number;
  readonly timeoutSource: string;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
}

export type SourceResult =
  | {
      readonly kind: 'new';
      readonly payload: Payload;
      readonly etag?: string | undefined;
      readonly lastModified?: string | undefined;
    }
  /** The previous payload is still right. */
  | { readonly kind: 'unchanged' };

/** Where a cache gets its payload. */
export interface Source<T> {
  /** For people; no credentials. */
  readonly name: string | undefined;
  /** Tells it from other sources of the same name. Undefined: whatever is in the file is of this source. */
  readonly id: string | undefined;
  fetch(request: SourceRequest<T>): Promise<SourceResult>;
}
