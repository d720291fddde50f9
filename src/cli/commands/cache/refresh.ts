import type { CacheResult } from '../../../cache/options.js';
import type { CacheContent } from '../../../cache/format.js';
import type { Ttl } from '../../../cache/freshness.js';
import { openHttpCache } from '../../../cache/http-cache.js';
import { readCacheFile } from '../../../cache/file-reader.js';
import { availableNative } from '../../../platform/native.js';
import { bootClock, processAgeMs, systemClock } from '../../../platform/clock.js';
import { printJson } from '../../envelope.js';
import { note } from '../../output.js';
import { durationOf } from '../../parse.js';
import { describeAge, describeSize } from './text.js';
import { RefreshReport } from './progress.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { FETCH_OPTIONS, FILE, QUIET, requestOptionsOf, resolveCacheTimeout, urlOf } from './arguments.js';
import { UsageError } from '../../usage-error.js';

export const spec: CommandForm = {
  name: 'cache refresh',
  summary: 'Fetch a URL into a cache file, once for all concurrent callers',
  usage: ['cache refresh [OPTIONS] FILE --url URL'],
  description: [
    'Fetches even if the file is fresh, unless another refresh completed after this command was started: then that one is used. Readers are never blocked and never see half a file. A refresh that fails, or is answered by something else than before (a login page, an empty or cut body), leaves the old payload readable.',
    'FILE is JSON with the payload under "data". What may pass (no connection, silence, 429, 5xx) is tried again, and Retry-After is kept.',
    'Exit codes: not free in time 75, fetch failed for good 20, disk full 74.',
  ],
  options: [
    ...FETCH_OPTIONS,
    {
      name: 'ttl',
      value: 'DUR|server',
      help: 'How long the payload counts as fresh; server: as long as its headers say',
      default: '1h',
    },
    QUIET,
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
  const ttlMs = ttlOf(args);
  const cache = openHttpCache(path, url, {
    ...requestOptionsOf(args),
    ...(ttlMs !== undefined && { ttlMs }),
  });
  const report = new RefreshReport(path, timeout);
  const isQuiet = args.has('quiet');
  try {
    const result = await cache.refresh({
      ...timeout.options,
      ...(isQuiet ? {} : report.listeners),
      accept: 'completed-since',
      sinceBootMs: bootClock(availableNative()).now() - processAgeMs(),
    });
    report.end();
    if (args.has('json')) return printJson(args, outcomeOf(path, result));
    if (!isQuiet) note(describe(path, result));
    return 0;
  } catch (error) {
    report.end();
    if (!isQuiet) await noteWhatStays(path);
    throw error;
  }
}

const OUTCOMES = {
  fetch: 'refreshed',
  unchanged: 'unchanged at the server',
  other: "used another process's refresh",
  file: 'read',
} as const;

type Result = CacheResult<CacheContent>;

function outcomeOf(path: string, { generation, origin, fetchedAt, value }: Result): object {
  const facts = { sizeBytes: value.header.length, source: value.meta.source };
  return { path, generation, origin, fetchedAt: fetchedAt.toISOString(), ...facts };
}

function describe(path: string, { generation, origin, value }: Result): string {
  const size = describeSize(value.header.length);
  return `holdfast: ${path}: ${OUTCOMES[origin]}, generation ${generation}, ${size}.`;
}

function ttlOf(args: ParsedArguments): Ttl | undefined {
  const text = args.text('ttl');
  return text === undefined || text === 'server' ? text : durationOf(text, '--ttl', args.command.name);
}

async function noteWhatStays(path: string): Promise<void> {
  const reading = await readCacheFile(path).catch(() => undefined);
  if (reading?.kind !== 'ok') return;
  const { header, meta } = reading.content;
  const age = describeAge(systemClock.wallNow() - meta.fetchedAtMs);
  note(`holdfast: ${path}: generation ${header.generation}, fetched ${age}, stays readable.`);
}
