import type { CacheMeta } from './format.js';

/** Milliseconds that a payload counts as fresh by default. */
export const CACHE_TTL_MS = 3_600_000;
/** How long a refresh may take, its wait for others included. */
export const CACHE_TIMEOUT_MS = 600_000;

export interface Freshness {
  /** Milliseconds since the fetch, by the wall clock; negative when the clock was set back since. */
  readonly ageMs: number;
  readonly ttlMs: number;
  readonly isStale: boolean;
}

/** Milliseconds, or `server`: what the headers of the answer say. */
export type Ttl = number | 'server';
/** How long `get` waits for a refresh while it has an old payload in hand; three times the last fetch if that was longer. */
export const STALE_REFRESH_MS = 5_000;
/** Milliseconds that a failed refresh is remembered by default: `get` serves the old payload meanwhile. */
export const FAILURE_TTL_MS = 30_000;

/** `ttlMs` wins over what the file says. A fetch in the future counts as stale: it would otherwise stay fresh for long. */
export function freshnessOf(meta: CacheMeta, ttlMs: Ttl | undefined, wallNowMs: number): Freshness {
  const ageMs = wallNowMs - meta.fetchedAtMs;
  const rule = ttlMs ?? (meta.ttlMs === null ? Infinity : meta.ttlMs) ?? CACHE_TTL_MS;
  const limitMs = rule === 'server' ? (meta.server?.ttlMs ?? 0) : rule;
  return { ageMs, ttlMs: limitMs, isStale: ageMs < 0 || ageMs >= limitMs };
}

/** Whether the server's headers decide, by the caller's own rule or by that of the file. */
export function isByServer(ttlMs: Ttl | undefined, meta: CacheMeta | undefined): boolean {
  return (ttlMs ?? meta?.ttlMs) === 'server';
}
