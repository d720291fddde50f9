import { repair } from '../../../claims/index.js';
import { EXIT } from '../../exit-codes.js';
import { note, print, printJson } from '../../output.js';
import { singleLine } from '../../render/text.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, asUsage, claimsOptions } from './options.js';

export const spec: CommandForm = {
  name: 'claims repair',
  summary: 'Find claims that nobody alive holds and records that are broken',
  usage: ['claims repair [OPTIONS]'],
  options: [...COMMON, { name: 'repair', help: 'End them, each with an event that says so' }],
  examples: [{ command: 'holdfast claims repair --repair', help: 'Clean up' }],
};

/** Exit 65 while something is found that was not ended. */
export async function execute(args: ParsedArguments): Promise<number> {
  const options = { ...(await claimsOptions(args)), repair: args.has('repair') };
  const findings = await asUsage(args, () => repair(options));
  if (args.has('json')) printJson({ findings });
  else if (findings.length === 0) note('nothing to repair');
  else {
    for (const { id, kind, problem, agent, outcome } of findings) {
      print(singleLine(`${outcome}: ${id}: ${kind}${agent === undefined ? '' : ` (${agent})`}: ${problem}`));
    }
  }
  return findings.every(({ outcome }) => outcome === 'ended') ? EXIT.ok : EXIT.data;
}
