import { print } from '../output.js';
import { commandHelp, groupHelp, overviewHelp } from '../render/help.js';
import { textWidth } from '../render/text.js';
import type { ParsedArguments } from '../spec.js';
import { COMMANDS, findCommand } from '../table.js';
import { suggestion, UsageError } from '../usage-error.js';

export function execute({ positionals }: ParsedArguments): number {
  const width = textWidth(process.stdout);
  if (positionals.length === 0) {
    print(overviewHelp(COMMANDS, width));
    return 0;
  }
  const words = positionals.join(' ');
  const found = findCommand(positionals);
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${words} `));
  if (found?.length !== positionals.length && group.length === 0) {
    const names = COMMANDS.map(({ name }) => name);
    throw new UsageError(`Unknown command "${words}"${suggestion(words, names)}`);
  }
  if (found?.length === positionals.length) print(commandHelp(found.command, width));
  if (group.length > 0) print(`${found === undefined ? '' : '\n'}${groupHelp(words, group, width)}`);
  return 0;
}
