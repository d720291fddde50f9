import { printJson } from '../envelope.js';
import { print } from '../print.js';
import { proseWidth } from '../terminal.js';
import { commandHelp, groupHelp, overviewHelp } from '../render/help.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';
import { findCommand, readForms } from '../forms.js';
import { suggestion, UsageError } from '../usage-error.js';

export const spec: CommandForm = {
  name: 'help',
  summary: 'Show help, for one command or for all',
  usage: ['help [COMMAND]', 'help --json [COMMAND]'],
  options: [
    { ...JSON_OPTION, help: 'Print the table of commands as JSON on stdout, and errors as JSON on stderr' },
  ],
  positionals: [
    {
      name: 'COMMAND',
      help: 'Default: an overview',
      isOptional: true,
      isRepeatable: true,
      completes: 'none',
    },
  ],
  examples: [{ command: 'holdfast help run', help: 'All about run' }],
};

export function execute(args: ParsedArguments): number {
  const { positionals } = args;
  const commands = readForms();
  const words = positionals.join(' ');
  const found = findCommand(commands, positionals);
  const exact = found?.length === positionals.length ? found.command : undefined;
  const group =
    positionals.length === 0 ? commands : commands.filter(({ name }) => name.startsWith(`${words} `));
  if (exact === undefined && group.length === 0) {
    const names = commands.map(({ name }) => name);
    throw new UsageError(`Unknown command "${words}"${suggestion(words, names)}`);
  }
  if (args.has('json')) return printJson(args, { commands: [...(exact ? [exact] : []), ...group] });
  const width = proseWidth();
  if (positionals.length === 0) print(...overviewHelp(commands, width));
  else {
    if (exact !== undefined) print(...commandHelp(exact, width));
    if (group.length > 0) print(...groupHelp(words, group, width));
  }
  return 0;
}
