import { JSON_OPTION, type CommandSpec, type OptionSpec, type PositionalSpec } from '../spec.js';

const FILE: PositionalSpec = { name: 'FILE', help: 'The cache file', completes: 'file' };

const URL_OPTION: OptionSpec = {
  name: 'url',
  value: 'URL',
  help: 'Where the payload comes from (http, https)',
};

const TIMEOUT: OptionSpec = {
  name: 'timeout',
  value: 'DUR',
  kind: 'duration',
  help: 'Fail when waiting for others and fetching together take longer',
  default: '10m',
};

export const CACHE_REFRESH: CommandSpec = {
  name: 'cache refresh',
  summary: 'Fetch a URL into a cache file, once for all who ask at the same time',
  usage: ['cache refresh [OPTIONS] FILE --url URL'],
  description: [
    'Fetches even if the file is fresh, unless another refresh completed after this command was started: then that one is used. Readers are never blocked and never see half a file. A refresh that fails leaves the old payload readable.',
    'FILE is JSON with the payload under "data". What may pass (no connection, silence, 429, 5xx) is tried again, and Retry-After is kept.',
    'Exit codes: not free in time 75, fetch failed for good 20, disk full 74.',
  ],
  options: [
    URL_OPTION,
    {
      name: 'ttl',
      value: 'DUR',
      kind: 'duration',
      help: 'How long the payload counts as fresh',
      default: '1h',
    },
    TIMEOUT,
    JSON_OPTION,
  ],
  positionals: [FILE],
  examples: [
    {
      command: 'holdfast cache refresh jdks.json --url https://example.org/jdks --ttl 1d',
      help: 'From a timer, on every host',
    },
  ],
  load: () => import('../commands/cache-refresh.js'),
};

export const CACHE_GET: CommandSpec = {
  name: 'cache get',
  summary: 'Print the payload of a cache file, refreshed first where that is needed',
  usage: ['cache get [OPTIONS] FILE [--url URL]'],
  description: [
    'Takes no lock while the file is fresh. With --url a missing, damaged or stale file is refreshed first; if that fails and there is an old payload, it is printed, stderr says that it is stale, and the exit code is that of the failure (20 for the network).',
    'Without --url a damaged file exits 65.',
  ],
  options: [URL_OPTION, TIMEOUT, JSON_OPTION],
  positionals: [FILE],
  examples: [
    {
      command: "holdfast cache get jdks.json --url https://example.org/jdks | jq '.[0]'",
      help: 'Always the payload, seldom a download',
    },
  ],
  load: () => import('../commands/cache-get.js'),
};

export const CACHE_STATUS: CommandSpec = {
  name: 'cache status',
  summary: 'Show age, generation, size and source of a cache file, and who refreshes it',
  usage: ['cache status [OPTIONS] FILE'],
  description: ['Exit codes: fresh or stale 0, damaged 65, missing 74.'],
  options: [JSON_OPTION],
  positionals: [FILE],
  examples: [{ command: 'holdfast cache status jdks.json', help: 'Is it fresh?' }],
  load: () => import('../commands/cache-status.js'),
};
