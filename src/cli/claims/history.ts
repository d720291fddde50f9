import { history, type HistoryEntry } from '../../claims/index.js';
import { EXIT } from '../exit-codes.js';
import { note, print, printJson } from '../output.js';
import { singleLine } from '../render/text.js';
import type { ParsedArguments } from '../spec.js';
import { asUsage, claimsOptions } from './options.js';

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const limit = args.number('limit');
  const entries = await asUsage(args, () =>
    history(args.positionals[0] ?? '', { ...options, ...(limit !== undefined && { limit }) }),
  );
  if (args.has('json')) printJson({ events: entries });
  else if (entries.length === 0) note('it was never claimed');
  else for (const entry of entries) print(singleLine(lineOf(entry)));
  return EXIT.ok;
}

function lineOf(entry: HistoryEntry): string {
  const parts = [entry.commit.slice(0, 10)];
  if (entry.event !== undefined)
    parts.push(entry.at ?? '', `${entry.event} by ${entry.agent ?? '?'}`, `#${entry.generation ?? '?'}`);
  if (entry.previousAgent !== undefined) parts.push(`from ${entry.previousAgent}`);
  if (entry.branch !== undefined) parts.push(`branch ${entry.branch}`);
  if (entry.reason !== undefined) parts.push(`"${entry.reason}"`);
  if (entry.problem !== undefined) parts.push(`broken: ${entry.problem}`);
  return parts.join('  ');
}
