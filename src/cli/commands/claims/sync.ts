import { sync } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { note } from '../../output.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { listJson, showList } from './list.js';
import { COMMON, QUIET_AFTER, asUsage, claimsOptions } from './options.js';

export const spec: CommandForm = {
  name: 'claims sync',
  summary: 'Look at all claims and settle what was left unconfirmed',
  usage: ['claims sync [OPTIONS]'],
  options: [...COMMON, QUIET_AFTER],
  examples: [{ command: 'holdfast claims sync', help: 'From cron: looking is what makes staleness visible' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const result = await asUsage(args, () => sync(options));
  const exitCode = result.settled.some(({ outcome }) => outcome === 'unconfirmed') ? EXIT.lost : EXIT.ok;
  if (args.has('json')) return printJson(args, listJson(result), exitCode);
  for (const { id, outcome } of result.settled)
    note(`${id}: what was unconfirmed is ${outcome === 'unconfirmed' ? 'still' : 'now'} ${outcome}`);
  showList(result);
  return exitCode;
}
