import { installHook } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { print } from '../../print.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
  name: 'claims hook install',
  summary: 'Install a pre-push hook that checks claims',
  usage: ['claims hook install'],
  description: [
    'It refuses a push of a branch that another agent has a claim on (claim --branch), and fails closed: nothing is pushed while claims cannot be checked.',
  ],
  options: [JSON_OPTION],
  examples: [{ command: 'holdfast claims hook install', help: 'In this clone' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const result = await installHook();
  if (args.has('json')) return printJson(args, result);
  print(`${result.outcome === 'installed' ? 'installed' : 'already there:'} ${result.path}`);
  return EXIT.ok;
}
