import { CACHE_TIMEOUT_MS } from '../../../cache/freshness.js';
import { displayUrl } from '../../../net/url.js';
import type { OptionSpec, ParsedArguments, PositionalSpec } from '../../spec.js';
import { resolveTimeout, type Timeout } from '../../timeout.js';
import { UsageError } from '../../usage-error.js';

export const FILE: PositionalSpec = { name: 'FILE', help: 'The cache file', completes: 'file' };

export const URL_OPTION: OptionSpec = {
  name: 'url',
  value: 'URL',
  help: 'Where the payload comes from (http, https)',
};

export const TIMEOUT: OptionSpec = {
  name: 'timeout',
  value: 'DUR',
  kind: 'duration',
  help: 'Fail when waiting for others and fetching together take longer',
  default: '10m',
};

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
