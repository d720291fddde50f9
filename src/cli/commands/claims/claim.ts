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
    'The exit code is 0 when this agent has all of them in this clone, as the remote confirmed just now; 75 when another holder has one, which is named, if only the same agent in another clone (--take-over); 69 when the remote cannot be reached and nothing was sent; 76 when a push may stand or an earlier claim was lost; 77 when the remote refuses.',
    'A claim does not end by itself. Others can steal it once they have seen it unchanged for the time of --stale-after; holdfast claims renew changes it.',
  ],
  options: [
    ...COMMON,
    BRANCH,
    REASON,
    { name: 'take-over', help: 'Take what the same agent has claimed in another clone' },
    { name: 'base', value: 'REV', help: 'Refuse when the last holder left it at a revision that REV lacks' },
  ],
  positionals: [IDS],
  examples: [
    { command: 'holdfast claim issue-42 --reason "fixing the parser"', help: 'One item' },
    { command: 'holdfast claim a b c --branch rewrite', help: 'All three, or none' },
    { command: "holdfast claim '#42' src/parser.ts", help: 'An issue and a file' },
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
  const options = {
    ...(await claimsOptions(args)),
    ...texts(args, 'branch', 'reason', 'base'),
    takeOver: args.has('take-over'),
  };
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
      return print(`already yours: ${id}`);
    case 'contended':
      return note(
        `contended: ${id} is claimed by ${current === undefined ? 'others, one after another' : holderText(current)}${current?.isElsewhere === true ? '. That is this agent in another clone; to take it from there: --take-over' : ''}`,
      );
    case 'lost':
      return note(
        `lost: ${id} was yours, and is now claimed by ${current === undefined ? 'no one' : holderText(current)}`,
      );
    case 'unconfirmed':
      return note(
        `unconfirmed: ${id} may or may not be yours: ${cause ?? 'no answer'}. Run the same command again.`,
      );
    case 'not-taken':
      return note(`not taken: ${id}`);
  }
}
