import { installHook } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { print } from '../../print.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
  name: 'claims hook install',
  summary: 'Install a pre-push hook that checks claims',
  usage: ['claims hook install [--pre-commit]'],
  description: [
    'It refuses a push of a branch that another agent has a claim on (claim --branch), or that changes a path of another agent (claim --path), and fails closed: nothing is pushed while claims cannot be checked. The pre-commit hook refuses commits in the paths of others, and lets them pass while that cannot be known. git push --no-verify and git commit --no-verify skip them.',
  ],
  options: [{ name: 'pre-commit', help: 'Also a pre-commit hook, for paths' }, JSON_OPTION],
  examples: [{ command: 'holdfast claims hook install', help: 'In this clone' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const result = await installHook();
  const preCommit = args.has('pre-commit') ? await installHook({ event: 'pre-commit' }) : undefined;
  if (args.has('json')) return printJson(args, { ...result, ...(preCommit && { preCommit }) });
  for (const { outcome, path } of [result, ...(preCommit === undefined ? [] : [preCommit])])
    print(`${outcome === 'installed' ? 'installed' : 'already there:'} ${path}`);
  return EXIT.ok;
}
