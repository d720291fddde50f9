import { repair } from '../../claims/index.js';
import { EXIT } from '../exit-codes.js';
import { note, print, printJson } from '../output.js';
import { singleLine } from '../render/text.js';
import type { ParsedArguments } from '../spec.js';
import { asUsage, claimsOptions } from './options.js';

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
