import { CACHE_TIMEOUT_MS } from '../cache/freshness.js';
import { displayUrl } from '../net/url.js';
import type { ParsedArguments } from './spec.js';
import { resolveTimeout, type Timeout } from './timeout.js';
import { UsageError } from './usage-error.js';

export function resolveCacheTimeout(args: ParsedArguments): Promise<Timeout> {
  return resolveTimeout(args, { option: 'timeout', configKey: 'cache', defaultMs: CACHE_TIMEOUT_MS });
}

/** @throws UsageError for what is no http or https URL. */
export function urlOf(args: ParsedArguments): string | undefined {
  const text = args.text('url');
  if (text === undefined) return undefined;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new UsageError(`--url is an http or https URL, not "${displayUrl(text)}"`, args.command.name);
}
