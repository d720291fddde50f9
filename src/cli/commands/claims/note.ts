import { note as publishNote } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, ID, asUsage, claimsOptions } from './options.js';
import { CONTINUED_EXIT, continuedText } from './text.js';

export const spec: CommandForm = {
  name: 'claims note',
  summary: 'Publish how far this agent is with a claim',
  usage: ['claims note [OPTIONS] ID TEXT...'],
  description: [
    'A note is progress, and a sign of life as claims renew is. A claim that is renewed and has neither a new note nor a new commit on its branch is marked as quiet (claims list --quiet-after).',
  ],
  options: COMMON,
  positionals: [
    ID,
    { name: 'TEXT', help: 'One line, for the others', isRepeatable: true, completes: 'none' },
  ],
  examples: [{ command: 'holdfast claims note issue-42 "tests pass, docs are left"', help: 'Half way' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [id = '', ...words] = args.positionals;
  const options = await claimsOptions(args);
  const item = await asUsage(args, () => publishNote(id, words.join(' '), options));
  const exitCode = CONTINUED_EXIT[item.outcome];
  if (args.has('json')) return printJson(args, withClaimJson(item), exitCode);
  if (item.outcome === 'noted') print(`noted ${item.id}`);
  else note(continuedText(item));
  return exitCode;
}
