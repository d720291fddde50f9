import { readCacheFile, type RawReading } from '../../../cache/file-reader.js';
import { readFailure } from '../../../cache/failure-record.js';
import { freshnessOf } from '../../../cache/freshness.js';
import type { HolderInfo } from '../../../core/backend.js';
import { formatDuration } from '../../../core/duration.js';
import { systemClock } from '../../../platform/clock.js';
import { inspect } from '../../../locks/inspect.js';
import { lockFor } from '../../../locks/lock.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { holderJson } from '../../json.js';
import { print } from '../../print.js';
import { describeAge, describeSize } from './text.js';
import { holderInShort } from '../../render/holder.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { FILE } from './arguments.js';

export const spec: CommandForm = {
  name: 'cache status',
  summary: 'Show age, generation, size and source of a cache file, and the process that refreshes it',
  usage: ['cache status [OPTIONS] FILE'],
  description: ['Exit codes: fresh or stale 0, damaged 65, missing 74.'],
  options: [JSON_OPTION],
  positionals: [FILE],
  examples: [{ command: 'holdfast cache status jdks.json', help: 'Is it fresh?' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [path] = args.positionals as [string];
  const status = await statusOf(path);
  const exitCode = EXIT_OF[status.state];
  if (args.has('json')) {
    return printJson(args, { ...status, refreshers: status.refreshers.map(holderJson) }, exitCode);
  }
  print(...asLines(status));
  return exitCode;
}

const EXIT_OF = { missing: EXIT.io, broken: EXIT.data, fresh: EXIT.ok, stale: EXIT.ok } as const;

async function statusOf(path: string) {
  const reading = await readCacheFile(path);
  const refreshers = await refreshersOf(path);
  const failure = readFailure(path);
  return {
    path,
    ...factsOf(reading),
    refreshers,
    ...(failure && {
      lastFailure: {
        at: new Date(failure.failedAtMs).toISOString(),
        code: failure.code,
        message: failure.message,
      },
    }),
  };
}

type Facts =
  | { readonly state: 'missing' }
  | { readonly state: 'broken'; readonly fact: string }
  | {
      readonly state: 'fresh' | 'stale';
      readonly generation: number;
      readonly fetchedAt: string;
      readonly ageMs: number;
      /** null: fresh for ever. */
      readonly ttlMs: number | null;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly format: string;
      readonly source: string | undefined;
      readonly etag: string | undefined;
      readonly lastModified: string | undefined;
    };

function factsOf(reading: RawReading): Facts {
  if (reading.kind === 'missing') return { state: 'missing' };
  if (reading.kind === 'broken') return { state: 'broken', fact: reading.fact };
  const { header, meta } = reading.content;
  const { ageMs, ttlMs, isStale } = freshnessOf(meta, undefined, systemClock.wallNow());
  return {
    state: isStale ? 'stale' : 'fresh',
    generation: header.generation,
    fetchedAt: new Date(meta.fetchedAtMs).toISOString(),
    ageMs: Math.round(ageMs),
    ttlMs: ttlMs === Infinity ? null : ttlMs,
    sizeBytes: header.length,
    sha256: header.sha256,
    format: meta.format,
    source: meta.source,
    etag: meta.etag,
    lastModified: meta.lastModified,
  };
}

async function refreshersOf(path: string): Promise<readonly HolderInfo[]> {
  try {
    return (await inspect(lockFor(path))).holders;
  } catch {
    // Without the addon this cannot be known; the rest of the status is still true.
    return [];
  }
}

function asLines(status: Awaited<ReturnType<typeof statusOf>>): string[] {
  const [refresher] = status.refreshers;
  const rows: [string, string][] = [
    ['state', 'fact' in status ? `${status.state}: ${status.fact}` : status.state],
  ];
  if ('generation' in status) {
    rows.push(
      ['generation', String(status.generation)],
      ['fetched', `${status.fetchedAt} (${describeAge(status.ageMs)})`],
      ['ttl', status.ttlMs === null ? 'infinite' : formatDuration(status.ttlMs)],
      ['size', `${describeSize(status.sizeBytes)} of ${status.format}`],
      ['sha256', status.sha256],
      ['source', status.source ?? 'not recorded'],
    );
  }
  if (refresher !== undefined)
    rows.push(['refreshed by', holderInShort(refresher, new Date(systemClock.wallNow()))]);
  if (status.lastFailure !== undefined)
    rows.push(['last failure', `${status.lastFailure.at} ${status.lastFailure.message}`]);
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}`);
}
