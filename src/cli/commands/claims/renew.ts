import { renew } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, IDS, asUsage, claimsOptions } from './options.js';
import { CONTINUED_EXIT, continuedText } from './text.js';

export const spec: CommandForm = {
  name: 'claims renew',
  summary: 'Show others that this agent is still at work',
  usage: ['claims renew [OPTIONS] [ID...]'],
  options: COMMON,
  positionals: [{ ...IDS, isOptional: true }],
  examples: [
    { command: 'holdfast claims renew', help: 'All claims of this agent in this clone, in one push' },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const ids = args.positionals.length === 0 ? undefined : args.positionals;
  const items = await asUsage(args, () => renew(ids, options));
  const exitCode = Math.max(EXIT.ok, ...items.map(({ outcome }) => CONTINUED_EXIT[outcome]));
  if (args.has('json')) return printJson(args, { items: items.map(withClaimJson) }, exitCode);
  if (items.length === 0) note('nothing to renew');
  else {
    for (const item of items) {
      if (item.outcome === 'renewed') print(`renewed ${item.id}`);
      else note(continuedText(item));
    }
  }
  return exitCode;
}
