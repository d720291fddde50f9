import { print } from '../output.js';
import { commandHelp, groupHelp, overviewHelp } from '../render/help.js';
import { textWidth } from '../render/text.js';
import type { CommandForm, ParsedArguments } from '../spec.js';
import { findCommand, readForms } from '../forms.js';
import { suggestion, UsageError } from '../usage-error.js';

export const spec: CommandForm = {
  name: 'help',
  summary: 'Show help, for one command or for all',
  usage: ['help [COMMAND]'],
  options: [],
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

export function execute({ positionals }: ParsedArguments): number {
  const commands = readForms();
  const width = textWidth(process.stdout);
  if (positionals.length === 0) {
    print(overviewHelp(commands, width));
    return 0;
  }
  const words = positionals.join(' ');
  const found = findCommand(commands, positionals);
  const group = commands.filter(({ name }) => name.startsWith(`${words} `));
  if (found?.length !== positionals.length && group.length === 0) {
    const names = commands.map(({ name }) => name);
    throw new UsageError(`Unknown command "${words}"${suggestion(words, names)}`);
  }
  if (found?.length === positionals.length) print(commandHelp(found.command, width));
  if (group.length > 0) print(`${found === undefined ? '' : '\n'}${groupHelp(words, group, width)}`);
  return 0;
}
