import { repair } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, asUsage, claimsOptions } from './options.js';

export const spec: CommandForm = {
  name: 'claims repair',
  summary: 'Find claims without a living holder and records that are broken',
  usage: ['claims repair [OPTIONS]'],
  options: [...COMMON, { name: 'repair', help: 'End them, each with an event that says so' }],
  examples: [{ command: 'holdfast claims repair --repair', help: 'Clean up' }],
};

/** Exit 65 while something is found that was not ended. */
export async function execute(args: ParsedArguments): Promise<number> {
  const options = { ...(await claimsOptions(args)), repair: args.has('repair') };
  const findings = await asUsage(args, () => repair(options));
  const exitCode = findings.every(({ outcome }) => outcome === 'ended') ? EXIT.ok : EXIT.data;
  if (args.has('json')) return printJson(args, { findings }, exitCode);
  if (findings.length === 0) note('nothing to repair');
  else {
    for (const { id, kind, problem, agent, outcome } of findings) {
      print(`${outcome}: ${id}: ${kind}${agent === undefined ? '' : ` (${agent})`}: ${problem}`);
    }
  }
  return exitCode;
}
