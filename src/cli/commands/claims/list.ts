import { list, type ClaimList } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { claimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, QUIET_AFTER, asUsage, claimsOptions } from './options.js';
import { claimsTable } from './text.js';

export const spec: CommandForm = {
  name: 'claims list',
  summary: 'List who works on what',
  usage: ['claims [list] [OPTIONS]'],
  description: ['As the remote reports just now, never from memory. Exit code 69 when it cannot be reached.'],
  options: [...COMMON, QUIET_AFTER, { name: 'mine', help: 'Only those of this agent' }],
  examples: [
    { command: 'holdfast claims --mine', help: 'What is still mine' },
    { command: 'holdfast claims --json', help: 'For programs' },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const all = await asUsage(args, () => list(options));
  const found = args.has('mine') ? onlyOwn(all) : all;
  if (args.has('json')) return printJson(args, listJson(found));
  showList(found);
  return EXIT.ok;
}

function onlyOwn(found: ClaimList): ClaimList {
  return { ...found, claims: found.claims.filter(({ isMine, isElsewhere }) => isMine || isElsewhere) };
}

export function listJson({ claims, ...rest }: ClaimList): object {
  return { ...rest, claims: claims.map(claimJson) };
}

export function showList(found: ClaimList): void {
  if (found.claims.length > 0) print(...claimsTable(found.claims));
  else note('no claims');
  for (const { id, problem } of found.broken) note(`broken: ${id}: ${problem}`);
  for (const id of found.lost)
    note(`lost: ${id} was yours and is no longer; see: holdfast claims history ${id}`);
}
