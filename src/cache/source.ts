import type { Clock } from '../core/time.js';
import type { Progress } from '../net/attempt.js';
import type { RetryEvent } from '../net/fetch.js';
import type { CacheMeta, PayloadFormat } from './format.js';
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
  /** Attempts in all, where the caller has an old payload and will not wait for more; else the source decides. */
  readonly attempts: number | undefined;
  /** Nothing of this fetch may keep the process alive. */
  readonly isDetached: boolean;
  readonly clock: Clock;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onRetry: ((event: RetryEvent) => void) | undefined;
}

export type SourceResult =
  | {
      readonly kind: 'new';
      readonly payload: Payload;
      /** What the file keeps about the answer. */
      readonly facts?: AnswerFacts;
      /** `false`: the source forbids to keep it (`no-store`); it goes to this caller only. */
      readonly isStorable?: boolean;
    }
  /** The previous payload is still right; of what the file keeps about its answer, `facts` are new. */
  | { readonly kind: 'unchanged'; readonly facts?: AnswerFacts };

export type AnswerFacts = Pick<
  CacheMeta,
  'etag' | 'lastModified' | 'answeredBy' | 'contentType' | 'server' | 'hasByteOrderMark'
>;

/** Where a cache gets its payload. */
export interface Source<T> {
  /** For people; no credentials. */
  readonly name: string | undefined;
  /** Identity of the request. Undefined: whatever is in the file is of this source. */
  readonly id: string | undefined;
  /** Whether a stored payload of that format is what this source's caller asked for. */
  readonly accepts: (format: PayloadFormat) => boolean;
  fetch(request: SourceRequest<T>): Promise<SourceResult>;
}

/** Whether `meta` is about a payload of this source: the only one that its callers may get. */
export function isOwnPayload<T>({ id, accepts }: Source<T>, meta: CacheMeta): boolean {
  return (id === undefined || meta.sourceId === id) && accepts(meta.format);
}
