import { readCacheFile } from '../../../cache/file-reader.js';
import { freshnessOf } from '../../../cache/freshness.js';
import type { CacheContent } from '../../../cache/format.js';
import { openHttpCache } from '../../../cache/http-cache.js';
import { bytesOf } from '../../../cache/payload.js';
import { LockError } from '../../../core/errors.js';
import { systemClock } from '../../../platform/clock.js';
import { printJson } from '../../envelope.js';
import { note, printPayload } from '../../output.js';
import { reportError } from '../../render/error.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { isStdoutTerminal } from '../../terminal.js';
import { FETCH_OPTIONS, FILE, QUIET, requestOptionsOf, resolveCacheTimeout, urlOf } from './arguments.js';
import { RefreshReport } from './progress.js';
import { describeAge } from './text.js';

export const spec: CommandForm = {
  name: 'cache get',
  summary: 'Print the payload of a cache file, refreshed first where that is needed',
  usage: ['cache get [OPTIONS] FILE [--url URL]'],
  description: [
    'Prints the very bytes that the server delivered. Takes no lock while the file is fresh. With --url a missing, damaged or stale file is refreshed first, and so is one with the payload of another URL, user or header.',
    'With a stale payload in hand one short attempt is made. If that fails, the old payload is printed, stderr says that it is stale, and the exit code is that of the failure (20 for the network); for 30 s after that no other attempt is made.',
    'Without --url a damaged file exits 65.',
  ],
  options: [...FETCH_OPTIONS, QUIET, JSON_OPTION],
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
  const { content, exitCode } =
    url === undefined ? { content: await contentOf(path), exitCode: 0 } : await fetched(path, url, args);
  const { isStale, ageMs } = freshnessOf(content.meta, undefined, systemClock.wallNow());
  if ((isStale || exitCode !== 0) && !args.has('quiet')) {
    note(
      `holdfast: ${path} is stale: generation ${content.header.generation}, fetched ${describeAge(ageMs)}.`,
    );
  }
  if (args.has('json')) return printJson(args, asJson(path, content, isStale), exitCode);
  printPayload(forReader(bytesOf(content)));
  return exitCode;
}

/** The payload that this request was answered with, whatever is written to the file meanwhile. */
async function fetched(
  path: string,
  url: string,
  args: ParsedArguments,
): Promise<{ content: CacheContent; exitCode: number }> {
  const timeout = await resolveCacheTimeout(args);
  const report = new RefreshReport(path, timeout);
  const { listeners } = args.has('quiet') ? { listeners: {} } : report;
  const { value, refreshError } = await openHttpCache(path, url, requestOptionsOf(args))
    .get({ ...timeout.options, ...listeners })
    .finally(() => report.end());
  return { content: value, exitCode: refreshError === undefined ? 0 : reportError(refreshError) };
}

/** A terminal's prompt belongs on a line of its own; a pipe gets the bytes as they are. */
function forReader(bytes: Buffer): Buffer {
  const isWithoutEnd = isStdoutTerminal() && bytes.length > 0 && bytes.at(-1) !== 10;
  return isWithoutEnd ? Buffer.concat([bytes, Buffer.from('\n')]) : bytes;
}

async function contentOf(path: string): Promise<CacheContent> {
  const reading = await readCacheFile(path);
  if (reading.kind === 'ok') return reading.content;
  const nextStep = 'Give --url, to fetch it';
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
