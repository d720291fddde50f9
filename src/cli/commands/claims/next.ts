import { readFileSync } from 'node:fs';

import { claimIdFault } from '../../../claims/index.js';
import { errnoOf, systemError } from '../../../core/system-error.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { claimAndShow } from './claiming.js';
import { BRANCH, COMMON, REASON, WAIT } from './options.js';

export const spec: CommandForm = {
  name: 'claims next',
  summary: 'Claim the next free item of a list',
  usage: ['claims next [OPTIONS] --from FILE'],
  description: [
    'FILE has one ID in each line; # begins a comment, but #42 is an ID; - is standard input. What this agent has already is the next one, so that a repeated command goes on with it. What was released with unclaim --done is passed over. The exit code is 75 when none is free: another agent has each of them, or all are done.',
  ],
  options: [...COMMON, { name: 'from', value: 'FILE', help: 'One ID in each line' }, BRANCH, REASON, WAIT],
  examples: [
    {
      command: 'id=$(holdfast claims next --from items --json | jq -r .data.items[0].id)',
      help: 'In a script',
    },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const from = args.text('from');
  if (from === undefined) throw new UsageError('--from FILE is missing', args.command.name);
  return claimAndShow(args, idsIn(from, args), { any: true });
}

function idsIn(file: string, args: ParsedArguments): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw systemError('read', file, errnoOf(error) ?? 'EIO', error);
  }
  const ids = text
    .split('\n')
    .map((line) => withoutComment(line).trim())
    .filter((line) => line !== '');
  for (const id of ids) {
    const fault = claimIdFault(id);
    if (fault !== undefined)
      throw new UsageError(
        `"${id.slice(0, 120)}" in ${file} cannot name a claim: ${fault}`,
        args.command.name,
      );
  }
  if (ids.length === 0) throw new UsageError(`${file} names no ID`, args.command.name);
  return ids;
}

/** A `#` begins a comment at the start of a line and behind a space, unless a number alone follows: `#42` is an id. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)#(?!\d+(?:\s|$)).*$/, '');
}
