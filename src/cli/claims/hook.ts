import { installHook } from '../../claims/index.js';
import { EXIT } from '../exit-codes.js';
import { print, printJson } from '../output.js';
import type { ParsedArguments } from '../spec.js';

export async function execute(args: ParsedArguments): Promise<number> {
  const result = await installHook();
  if (args.has('json')) printJson(result);
  else print(`${result.outcome === 'installed' ? 'installed' : 'already there:'} ${result.path}`);
  return EXIT.ok;
}
