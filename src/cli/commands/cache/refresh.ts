import { HttpCache } from '../../../cache/http-cache.js';
import { readCacheFile } from '../../../cache/file-reader.js';
import { availableNative } from '../../../platform/native.js';
import { bootClock, processAgeMs, systemClock } from '../../../platform/clock.js';
import { printJson } from '../../envelope.js';
import { note } from '../../output.js';
import { describeAge, describeSize } from './text.js';
import { RefreshReport } from './progress.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { FILE, resolveCacheTimeout, TIMEOUT, URL_OPTION, urlOf } from './arguments.js';
import { UsageError } from '../../usage-error.js';

export const spec: CommandForm = {
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
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [path] = args.positionals as [string];
  const url = urlOf(args);
  if (url === undefined) throw new UsageError('--url is missing', args.command.name);
  const timeout = await resolveCacheTimeout(args);
  const ttlMs = args.durationMs('ttl');
  const cache = new HttpCache<unknown>(path, url, { format: 'auto', ...(ttlMs !== undefined && { ttlMs }) });
  const report = new RefreshReport(path, timeout);
  try {
    const result = await cache.refresh({
      ...timeout,
      ...report.listeners,
      accept: 'completed-since',
      sinceBootMs: bootClock(availableNative()).now() - processAgeMs(),
    });
    report.end();
    await showOutcome(args, path, result);
    return 0;
  } catch (error) {
    report.end();
    await tellWhatStays(path);
    throw error;
  }
}

const OUTCOMES = {
  fetch: 'refreshed',
  unchanged: 'still the same, says the server',
  other: "used another process's refresh",
  file: 'read',
} as const;

async function showOutcome(
  args: ParsedArguments,
  path: string,
  result: Awaited<ReturnType<HttpCache<unknown>['refresh']>>,
): Promise<void> {
  const reading = await readCacheFile(path);
  const content = reading.kind === 'ok' ? reading.content : undefined;
  const { generation, origin, fetchedAt } = result;
  if (args.has('json')) {
    const facts = { sizeBytes: content?.header.length, source: content?.meta.source };
    printJson(args, { path, generation, origin, fetchedAt: fetchedAt.toISOString(), ...facts });
    return;
  }
  const size = content === undefined ? '' : `, ${describeSize(content.header.length)}`;
  note(`holdfast: ${path}: ${OUTCOMES[origin]}, generation ${generation}${size}.`);
}

async function tellWhatStays(path: string): Promise<void> {
  const reading = await readCacheFile(path).catch(() => undefined);
  if (reading?.kind !== 'ok') return;
  const { header, meta } = reading.content;
  const age = describeAge(systemClock.wallNow() - meta.fetchedAtMs);
  note(`holdfast: ${path}: generation ${header.generation}, fetched ${age}, stays readable.`);
}
