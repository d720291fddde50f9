import { readCacheFile } from '../../../cache/file-reader.js';
import { freshnessOf } from '../../../cache/freshness.js';
import type { CacheContent } from '../../../cache/format.js';
import { HttpCache } from '../../../cache/http-cache.js';
import { printable } from '../../../cache/payload.js';
import { LockError } from '../../../core/errors.js';
import { systemClock } from '../../../platform/clock.js';
import { FILE, resolveCacheTimeout, TIMEOUT, URL_OPTION, urlOf } from './arguments.js';
import { printJson } from '../../envelope.js';
import { note, printPayload } from '../../output.js';
import { describeAge } from './text.js';
import { reportError } from '../../render/error.js';
import { RefreshReport } from './progress.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
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
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [path] = args.positionals as [string];
  const url = urlOf(args);
  let exitCode = 0;
  if (url !== undefined) {
    const timeout = await resolveCacheTimeout(args);
    const report = new RefreshReport(path, timeout);
    const result = await new HttpCache<unknown>(path, url, { format: 'auto' })
      .get({ ...timeout, ...report.listeners })
      .finally(() => report.end());
    if (result.refreshError !== undefined) exitCode = reportError(result.refreshError);
  }
  const content = await contentOf(path, url);
  const { isStale, ageMs } = freshnessOf(content.meta, undefined, systemClock.wallNow());
  if (isStale || exitCode !== 0) {
    note(
      `holdfast: ${path} is stale: generation ${content.header.generation}, fetched ${describeAge(ageMs)}.`,
    );
  }
  if (args.has('json')) return printJson(args, asJson(path, content, isStale), exitCode);
  printPayload(printable(content));
  return exitCode;
}

async function contentOf(path: string, url: string | undefined): Promise<CacheContent> {
  const reading = await readCacheFile(path);
  if (reading.kind === 'ok') return reading.content;
  const nextStep = url === undefined ? 'Give --url, to fetch it' : 'Check who else writes there';
  if (reading.kind === 'missing') {
    throw new LockError(`Could not read "${path}": it does not exist. ${nextStep}.`, {
      code: 'HOLDFAST_IO',
      resource: path,
    });
  }
  throw new LockError(`Could not read "${path}": ${reading.fact}. ${nextStep}.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: path,
  });
}

function asJson(path: string, { header, meta, data }: CacheContent, isStale: boolean): object {
  const { generation, length } = header;
  const { format, source, fetchedAtMs } = meta;
  const fetchedAt = new Date(fetchedAtMs).toISOString();
  return {
    path,
    generation,
    isStale,
    fetchedAt,
    sizeBytes: length,
    format,
    source,
    data: JSON.parse(String(data)),
  };
}
