import { channel } from 'node:diagnostics_channel';

/** Emitted to `onEvent`, and on the diagnostics channel `holdfast:cache`. */
export type CacheEvent = { readonly path: string } & (
  | { readonly type: 'hit'; readonly generation: number; readonly isStale: boolean }
  | {
      readonly type: 'miss';
      readonly reason: 'missing' | 'broken' | 'stale';
      readonly fact?: string | undefined;
    }
  /** Another caller holds the lock of this cache: the refresh waits. */
  | { readonly type: 'contention' }
  | { readonly type: 'refresh-started'; readonly generation: number | undefined }
  | {
      readonly type: 'refreshed';
      readonly generation: number;
      /** `other`: another caller's refresh was used. `unchanged`: the server said so. */
      readonly by: 'fetch' | 'unchanged' | 'other';
      readonly waitedMs: number;
      readonly sizeBytes: number;
    }
  | { readonly type: 'refresh-failed'; readonly error: unknown; readonly isInBackground: boolean }
);

/** Receives the events of a cache. What it throws becomes an uncaught error and does not end the call. */
export type CacheListener = (event: CacheEvent) => void;

const cacheChannel = channel('holdfast:cache');

/** A listener that throws is the caller's bug: it must not cost its callers the cache. It surfaces as an uncaught error. */
export function emit(listener: CacheListener | undefined, event: CacheEvent): void {
  if (cacheChannel.hasSubscribers) cacheChannel.publish(event);
  if (listener === undefined) return;
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
