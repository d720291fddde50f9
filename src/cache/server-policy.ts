import type { Answer } from '../net/attempt.js';
import { requestUrl } from '../net/exchange.js';
import type { CacheMeta } from './format.js';

export interface ServerPolicy {
  /** `false`: `no-store`, or a method and status that RFC 9111 does not let a private cache keep. */
  readonly isStorable: boolean;
  readonly server: NonNullable<CacheMeta['server']>;
}

/** What decides about freshness, and what a 304 that leaves it out does not change (RFC 9111, 4.3.4). */
const KEPT = ['cache-control', 'expires', 'last-modified', 'pragma', 'vary'];

/**
 * What the headers of an answer say about keeping it, by RFC 9111, for a private cache. What cannot be read counts as stale.
 *
 * @param stored the headers that were kept from the answer that a 304 confirms.
 */
export async function serverPolicy(
  url: string | URL,
  requestHeaders: Readonly<Record<string, string>>,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  stored: Readonly<Record<string, string>> = {},
): Promise<ServerPolicy> {
  const { default: CachePolicy } = await import('http-cache-semantics');
  const kept = { ...stored, ...Object.fromEntries([...headers].filter(([name]) => KEPT.includes(name))) };
  // Directives are compared without regard to case; the library compares them as they are.
  const directives = kept['cache-control']?.toLowerCase();
  const all = { ...Object.fromEntries(headers), ...kept, ...(directives && { 'cache-control': directives }) };
  const request = { url: requestUrl(url), method: 'GET', headers: requestHeaders };
  const policy = new CachePolicy(
    request,
    { status: status === 304 ? 200 : status, headers: all },
    { shared: false },
  );
  // Not timeToLive(): that adds stale-if-error and stale-while-revalidate, which are not freshness.
  const ttlMs = Math.round((policy.maxAge() - policy.age()) * 1_000);
  return {
    isStorable: policy.storable(),
    server: {
      ttlMs: isReadableAge(headers.get('age')) && !variesByAll(kept['vary']) ? Math.max(0, ttlMs) : 0,
      mustRevalidate: /\b(must-revalidate|no-cache)\b/.test(directives ?? ''),
      headers: kept,
    },
  };
}

function isReadableAge(age: string | null): boolean {
  return age === null || /^\d+$/.test(age.trim());
}

/** No request matches such an answer, its own included (RFC 9111, 4.1). */
function variesByAll(vary: string | undefined): boolean {
  return vary?.split(',').some((name) => name.trim() === '*') ?? false;
}
