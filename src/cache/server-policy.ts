import type { Answer } from '../net/attempt.js';
import { requestUrl } from '../net/exchange.js';
import type { CacheMeta } from './format.js';

export interface ServerPolicy {
  /** `false`: `no-store`, or a method and status that RFC 9111 does not let a private cache keep. */
  readonly isStorable: boolean;
  readonly server: NonNullable<CacheMeta['server']>;
}

/** What the headers of an answer say about keeping it, by RFC 9111, for a private cache. */
export async function serverPolicy(
  url: string | URL,
  requestHeaders: Readonly<Record<string, string>>,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
): Promise<ServerPolicy> {
  const { default: CachePolicy } = await import('http-cache-semantics');
  const request = { url: requestUrl(url), method: 'GET', headers: requestHeaders };
  const response = { status: status === 304 ? 200 : status, headers: Object.fromEntries(headers) };
  const policy = new CachePolicy(request, response, { shared: false });
  const directives = headers.get('cache-control') ?? '';
  const isVarying = headers.get('vary')?.trim() === '*';
  return {
    isStorable: policy.storable(),
    server: {
      ttlMs: isVarying ? 0 : Math.max(0, policy.timeToLive()),
      mustRevalidate: /\b(must-revalidate|no-cache)\b/i.test(directives),
    },
  };
}
