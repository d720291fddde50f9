import type { CacheMeta } from './format.js';

/** How long a payload counts as fresh unless told otherwise. */
export const CACHE_TTL_MS = 3_600_000;
/** How long a refresh may take, its wait for others included. */
export const CACHE_TIMEOUT_MS = 600_000;

export interface Freshness {
  /** Milliseconds since the fetch, by the wall clock; negative when the clock was set back since. */
  readonly ageMs: number;
  readonly ttlMs: number;
  readonly isStale: boolean;
}

/** `ttlMs` wins over what the file says. A fetch in the future counts as stale: it would otherwise stay fresh for long. */
export function freshnessOf(meta: CacheMeta, ttlMs: number | undefined, wallNowMs: number): Freshness {
  const ageMs = wallNowMs - meta.fetchedAtMs;
  const limitMs = ttlMs ?? (meta.ttlMs === null ? Infinity : meta.ttlMs) ?? CACHE_TTL_MS;
  return { ageMs, ttlMs: limitMs, isStale: ageMs < 0 || ageMs >= limitMs };
}
