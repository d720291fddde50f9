import { channel } from 'node:diagnostics_channel';

/** What a cache tells about itself: to `onEvent`, and on the diagnostics channel `holdfast:cache`. */
export type CacheEvent = { readonly path: string } & (
  | { readonly type: 'hit'; readonly generation: number; readonly isStale: boolean }
  | {
      readonly type: 'miss';
      readonly reason: 'missing' | 'broken' | 'stale';
      readonly fact?: string | undefined;
    }
  /** Somebody else has the lock of this cache: the refresh waits for them. */
  | { readonly type: 'contention' }
  | { readonly type: 'refresh-started'; readonly generation: number | undefined }
  | {
      readonly type: 'refreshed';
      readonly generation: number;
      /** `other`: somebody else's refresh was used. `unchanged`: the server said so. */
      readonly by: 'fetch' | 'unchanged' | 'other';
      readonly waitedMs: number;
      readonly sizeBytes: number;
    }
  | { readonly type: 'refresh-failed'; readonly error: unknown; readonly isInBackground: boolean }
);

export type CacheListener = (event: CacheEvent) => void;

const cacheChannel = channel('holdfast:cache');

/** A listener that throws is the caller's bug: it must not cost anybody the cache. It surfaces as an uncaught error. */
export function tell(listener: CacheListener | undefined, event: CacheEvent): void {
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
