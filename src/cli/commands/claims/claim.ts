import type { CommandForm, ParsedArguments } from '../../spec.js';
import { claimAndShow } from './claiming.js';
import { asUsage, BRANCH, COMMON, idsOf, IDS, PATH, REASON, WAIT } from './options.js';

export const spec: CommandForm = {
  name: 'claim',
  summary: 'Claim work items at a git remote, all or none',
  usage: ['claim [OPTIONS] ID...', 'claim [OPTIONS] --path PATH... [ID...]', 'claim --any [OPTIONS] ID...'],
  description: [
    'The exit code is 0 when this agent has all of them in this clone, as the remote confirmed just now; 75 when another holder has one, which is named, if only the same agent in another clone (--take-over); 69 when the remote cannot be reached and nothing was sent; 76 when a push may stand or an earlier claim was lost; 77 when the remote refuses.',
    'An ID that ends in a slash, as --path makes it, is a path with everything in it. Two agents never hold paths of which one lies in the other. With --any the first ID that is free is taken, or one that this agent has already; none free is 75.',
    'A claim does not end by itself. Others can steal it once they have seen it unchanged for the time of --stale-after; holdfast claims renew changes it.',
  ],
  options: [
    ...COMMON,
    BRANCH,
    REASON,
    PATH,
    WAIT,
    { name: 'any', help: 'One of the IDs is enough: the first that is free' },
    { name: 'take-over', help: 'Take what the same agent has claimed in another clone' },
    { name: 'base', value: 'REV', help: 'Refuse when the last holder left it at a revision that REV lacks' },
  ],
  positionals: [{ ...IDS, isOptional: true }],
  examples: [
    { command: 'holdfast claim issue-42 --reason "fixing the parser"', help: 'One item' },
    { command: 'holdfast claim a b c --branch rewrite', help: 'All three, or none' },
    { command: "holdfast claim '#42' src/parser.ts", help: 'An issue and a file' },
    {
      command: 'holdfast claim issue-42 --path src/parser/',
      help: 'An issue, and all files below src/parser',
    },
    { command: 'holdfast claim --any issue-42 issue-43', help: 'Whichever is free' },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const ids = await asUsage(args, async () => idsOf(args));
  return claimAndShow(args, ids, { any: args.has('any'), takeOver: args.has('take-over') });
}
