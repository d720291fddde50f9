/**
 * Milliseconds that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3). Undefined when there
 * is none or it cannot be read; never negative.
 */
export function retryAfterMs(header: string | null, wallNowMs: number): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  // Date.parse reads much that is no HTTP date ("5.5", "-3"); those all lack the letters of a month.
  const at = /[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallNowMs);
}
