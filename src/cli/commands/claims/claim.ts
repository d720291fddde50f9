import { claim, type ClaimItem } from '../../../claims/index.js';
import { BRANCH, COMMON, IDS, REASON, asUsage, claimsOptions, texts } from './options.js';
import { holderText } from './text.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
  name: 'claim',
  summary: 'Claim work items at a git remote, all or none',
  usage: ['claim [OPTIONS] ID...'],
  description: [
    'The exit code is 0 when this agent has all of them, as the remote said just now; 75 when somebody else has one, who is named; 76 when the remote could not be asked or an earlier claim was lost; 77 when it refuses.',
    'A claim does not end by itself. Others can steal it once they have seen no sign of life for the time of --stale-after; holdfast claims renew gives one.',
  ],
  options: [
    ...COMMON,
    BRANCH,
    REASON,
    { name: 'base', value: 'REV', help: 'Refuse when the last holder left it at a revision that REV lacks' },
  ],
  positionals: [IDS],
  examples: [
    { command: 'holdfast claim issue-42 --reason "fixing the parser"', help: 'One item' },
    { command: 'holdfast claim a b c --branch rewrite', help: 'All three, or none' },
  ],
};

const EXIT_OF = {
  claimed: EXIT.ok,
  'already-held': EXIT.ok,
  contended: EXIT.contended,
  lost: EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

export async function execute(args: ParsedArguments): Promise<number> {
  const options = { ...(await claimsOptions(args)), ...texts(args, 'branch', 'reason', 'base') };
  const result = await asUsage(args, () => claim(args.positionals, options));
  const exitCode = EXIT_OF[result.outcome];
  if (args.has('json'))
    return printJson(args, { ...result, items: result.items.map(withClaimJson) }, exitCode);
  for (const item of result.items) show(item);
  return exitCode;
}

function show({ id, outcome, claim: current, cause }: ClaimItem): void {
  switch (outcome) {
    case 'claimed':
      return print(`claimed ${id}`);
    case 'already-held':
      return print(
        `already yours: ${id}${current?.isElsewhere === true ? ' (claimed in another clone)' : ''}`,
      );
    case 'contended':
      return note(
        `contended: ${id} is claimed by ${current === undefined ? 'others, one after another' : holderText(current)}`,
      );
    case 'lost':
      return note(
        `lost: ${id} was yours, and is now claimed by ${current === undefined ? 'nobody' : holderText(current)}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may or may not be yours: ${cause ?? 'no answer'}. Run the same command again.`,
      );
    case 'not-taken':
      return note(`not taken: ${id}`);
  }
}
