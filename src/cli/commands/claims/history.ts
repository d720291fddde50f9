import { history, type HistoryEntry } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { Column } from '../../render/table.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, ID, asUsage, claimsOptions } from './options.js';
import { shortTime, tableFor } from './text.js';

export const spec: CommandForm = {
  name: 'claims history',
  summary: 'Show what happened to a claim, the latest first',
  usage: ['claims history [OPTIONS] ID'],
  options: [...COMMON, { name: 'limit', value: 'N', kind: 'count', help: 'How many events', default: '50' }],
  positionals: [ID],
  examples: [{ command: 'holdfast claims history issue-42', help: 'Its holders, and each steal' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const limit = args.number('limit');
  const entries = await asUsage(args, () =>
    history(args.positionals[0] ?? '', { ...options, ...(limit !== undefined && { limit }) }),
  );
  if (args.has('json')) return printJson(args, { events: entries.map(entryJson) });
  if (entries.length === 0) note(`never claimed: ${args.positionals[0] ?? ''}`);
  else print(...tableFor(COLUMNS, entries.map(rowOf)));
  return EXIT.ok;
}

function entryJson({ generation, ...entry }: HistoryEntry): object {
  return { ...entry, ...(generation !== undefined && { token: generation }) };
}

const COLUMNS: readonly Column[] = [
  { title: 'COMMIT' },
  { title: 'AT' },
  { title: 'EVENT' },
  { title: 'AGENT' },
  { title: 'TOKEN' },
  { title: 'BRANCH' },
  { title: 'ABOUT', isElastic: true },
];

function rowOf(entry: HistoryEntry): readonly string[] {
  const { commit, event = '?', agent = '', generation, at = '', branch = '', reason, previousAgent } = entry;
  const about: string[] = [];
  if (entry.problem !== undefined) about.push(`broken: ${entry.problem}`);
  if (previousAgent !== undefined) about.push(`from ${previousAgent}`);
  if (entry.base !== undefined) about.push(`at ${entry.base.slice(0, 10)}`);
  if (entry.note !== undefined) about.push(`note: ${entry.note}`);
  else if (reason !== undefined) about.push(`"${reason}"`);
  return [
    commit.slice(0, 10),
    shortTime(at),
    event,
    agent,
    generation === undefined ? '' : String(generation),
    branch,
    about.join('  '),
  ];
}
