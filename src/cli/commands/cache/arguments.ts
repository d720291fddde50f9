import type { Timeout } from '../../../core/timeout.js';
import { CACHE_TIMEOUT_MS } from '../../../cache/freshness.js';
import type { HttpCacheOptions } from '../../../cache/http-options.js';
import type { BodyFormat } from '../../../cache/payload.js';
import { displayUrl } from '../../../net/url.js';
import type { OptionSpec, ParsedArguments, PositionalSpec } from '../../spec.js';
import { resolveTimeout } from '../../timeout.js';
import { UsageError } from '../../usage-error.js';

export const FILE: PositionalSpec = { name: 'FILE', help: 'The cache file', completes: 'file' };

export const QUIET: OptionSpec = {
  name: 'quiet',
  short: ['q'],
  help: 'Print nothing on stderr but errors',
};

export const TIMEOUT: OptionSpec = {
  name: 'timeout',
  value: 'DUR',
  kind: 'duration',
  help: 'Fail when waiting for others and fetching together take longer',
  default: '10m',
};

const URL_OPTION: OptionSpec = {
  name: 'url',
  value: 'URL',
  help: 'Where the payload comes from (http, https)',
};

/** What both `get` and `refresh` take. */
export const FETCH_OPTIONS: readonly OptionSpec[] = [
  URL_OPTION,
  {
    name: 'expect',
    value: 'KIND',
    choices: ['json', 'text', 'bytes'],
    help: 'Refuse an answer that is something else',
    default: 'what it was before, else by its content type',
  },
  {
    name: 'header',
    short: ['H'],
    value: 'NAME: VALUE',
    isRepeatable: true,
    help: 'Send this header; redirects to another origin do not get it',
  },
  {
    name: 'max-size',
    value: 'BYTES',
    kind: 'count',
    help: 'Refuse an answer that is larger: it is held in memory',
    default: '67108864',
  },
  TIMEOUT,
];

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

/** @throws UsageError for a header that HTTP cannot carry; its value is not repeated, because it may be a secret. */
export function requestOptionsOf(
  args: ParsedArguments,
): Pick<HttpCacheOptions<unknown>, 'format' | 'headers' | 'maxSizeBytes'> {
  const headers = new Headers();
  for (const line of args.list('header')) {
    const [, name, value] = /^([^:]+):(.*)$/s.exec(line) ?? [];
    try {
      headers.append((name ?? '').trim(), value as string);
    } catch {
      throw new UsageError(
        `--header is "NAME: VALUE", and ${name === undefined ? 'the one given has no colon' : `that of "${name}" cannot be sent`}`,
        args.command.name,
      );
    }
  }
  const maxSizeBytes = args.number('max-size');
  return {
    format: (args.text('expect') ?? 'auto') as BodyFormat,
    headers: Object.fromEntries(headers),
    ...(maxSizeBytes !== undefined && { maxSizeBytes }),
  };
}
