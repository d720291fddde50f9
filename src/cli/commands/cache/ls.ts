import { resolve } from 'node:path';

import { listCaches, type ListedCache } from '../../../cache/list.js';
import { systemClock } from '../../../platform/clock.js';
import { printJson } from '../../envelope.js';
import { print, type Line } from '../../print.js';
import { renderTable } from '../../render/table.js';
import { tableWidth } from '../../terminal.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { describeAge, describeSize } from './text.js';

export const spec: CommandForm = {
  name: 'cache ls',
  summary: 'List the cache files of a directory',
  usage: ['cache ls [--json] [DIR]'],
  description: [
    'Lists what is a whole cache file, and what is a damaged one, in DIR itself. Changes nothing.',
  ],
  options: [JSON_OPTION],
  positionals: [
    { name: 'DIR', help: 'Default: the working directory', isOptional: true, completes: 'directory' },
  ],
  examples: [{ command: 'holdfast cache ls ~/.cache/app', help: 'What is there, how old, from where' }],
};

const COLUMNS = [
  { title: 'FILE' },
  { title: 'STATE' },
  { title: 'FETCHED' },
  { title: 'SIZE' },
  { title: 'SOURCE', isElastic: true },
];

export async function execute(args: ParsedArguments): Promise<number> {
  const directory = resolve(args.positionals[0] ?? '.');
  const caches = await listCaches(directory, systemClock);
  if (args.has('json')) return printJson(args, { directory, caches });
  print(...asLines(caches));
  return 0;
}

function asLines(caches: readonly ListedCache[]): readonly Line[] {
  if (caches.length === 0) return ['No cache files here.'];
  const rows = caches.map((cache) =>
    cache.state === 'broken'
      ? [cache.name, 'broken', '', '', cache.fact]
      : [
          cache.name,
          cache.state,
          describeAge(cache.ageMs),
          describeSize(cache.sizeBytes),
          cache.source ?? '',
        ],
  );
  return renderTable(COLUMNS, rows, tableWidth());
}
