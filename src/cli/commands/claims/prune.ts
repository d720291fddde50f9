import { prune } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { COMMON, asUsage, claimsOptions } from './options.js';

export const spec: CommandForm = {
  name: 'claims prune',
  summary: 'Delete the branches of claims that were released long ago',
  usage: ['claims prune --older-than DUR [OPTIONS]'],
  description: [
    'Each branch is deleted only if it still is as it was seen, with its history. Tokens go on rising: the next claim of such an id begins at the wall clock. Claims that are held stay. The exit code is 77 when the remote refuses to delete one.',
  ],
  options: [
    ...COMMON,
    { name: 'older-than', value: 'DUR', kind: 'duration', help: 'Released at least this long ago' },
    { name: 'dry-run', help: 'Only list them' },
  ],
  examples: [{ command: 'holdfast claims prune --older-than 720h', help: 'Free for a month' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const olderThanMs = args.durationMs('older-than');
  if (olderThanMs === undefined) throw new UsageError('--older-than DUR is missing', args.command.name);
  const options = { ...(await claimsOptions(args)), olderThanMs, dryRun: args.has('dry-run') };
  const items = await asUsage(args, () => prune(options));
  const exitCode = items.some(({ outcome }) => outcome === 'failed') ? EXIT.permission : EXIT.ok;
  if (args.has('json')) return printJson(args, { items }, exitCode);
  if (items.length === 0) note('nothing to prune');
  for (const { id, outcome, cause } of items) {
    if (outcome === 'pruned') print(`pruned ${id}`);
    else if (outcome === 'kept') print(`would prune ${id}`);
    else note(`${outcome}: ${id}${cause === undefined ? '' : `: ${cause}`}`);
  }
  return exitCode;
}
