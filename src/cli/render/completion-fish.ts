import type { CommandForm, OptionSpec } from '../spec.js';
import { allOptions, firstWords, quote } from './completion-words.js';

export function fishScript(commands: readonly CommandForm[]): string {
  const script = ['complete -c holdfast -f'];
  for (const word of firstWords(commands)) {
    const summary = commands.find(({ name }) => name === word)?.summary;
    const about = summary === undefined ? '' : ` -d ${quote(summary)}`;
    script.push(`complete -c holdfast -n __fish_use_subcommand -a ${word}${about}`);
  }
  for (const command of commands) script.push(...commandLines(command));
  return `${script.join('\n')}\n`;
}

function commandLines(command: CommandForm): string[] {
  const words = command.name.split(' ');
  const isTyped = quote(words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and '));
  const script: string[] = [];
  const [first, second] = words;
  if (second !== undefined) {
    const isNext = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second}`;
    script.push(`complete -c holdfast -n ${quote(isNext)} -a ${second} -d ${quote(command.summary)}`);
  }
  for (const option of allOptions(command)) {
    script.push(`complete -c holdfast -n ${isTyped} ${optionLine(option)}`);
  }
  const [operand] = command.positionals ?? [];
  if (operand?.completes === 'lock') {
    script.push(`complete -c holdfast -n ${isTyped} -a ${quote(fieldOf('address', '.*'))}`);
  } else if (operand?.choices !== undefined) {
    script.push(`complete -c holdfast -n ${isTyped} -a ${quote(operand.choices.join(' '))}`);
  } else if (operand !== undefined && operand.completes !== 'none') {
    script.push(`complete -c holdfast -n ${isTyped} -F`);
  }
  if (operand?.suggestions !== undefined) {
    script.push(`complete -c holdfast -n ${isTyped} -a ${quote(operand.suggestions.join(' '))}`);
  }
  return script;
}

/** What the locks here have in a field, one per line. */
function fieldOf(name: string, value: string): string {
  return `(holdfast ls --json 2>/dev/null | string match -rg '"${name}": "(${value})"')`;
}

function optionLine(option: OptionSpec): string {
  const names = [
    ...(option.short ?? []).map((letter) => `-s ${letter}`),
    ...[option.name, ...(option.aliases ?? [])].map((name) => `-l ${name}`),
  ];
  const value = option.value === undefined ? '' : ' -r';
  const words = option.completes === 'holder' ? fieldOf('holderId', '[a-z2-7]+') : option.choices?.join(' ');
  const choices = words === undefined ? '' : ` -a ${quote(words)}`;
  return `${names.join(' ')}${value}${choices} -d ${quote(option.help)}`;
}
