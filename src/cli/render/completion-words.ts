import { HELP_OPTION } from '../parse.js';
import type { CommandForm, OptionSpec } from '../spec.js';

export function allOptions(command: CommandForm): readonly OptionSpec[] {
  return [...command.options, HELP_OPTION];
}

export function firstWords(commands: readonly CommandForm[]): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ', 1)[0] as string))];
}

/** `cache`, `cache refresh`, `run`: everything that the first words of a command line can add up to. */
export function prefixesOf(commands: readonly CommandForm[]): string[] {
  const prefixes = commands.flatMap(({ name }) => {
    const words = name.split(' ');
    return words.map((_, index) => words.slice(0, index + 1).join(' '));
  });
  return [...new Set(prefixes)];
}

/** The words that can follow `prefix` in the name of a command. */
export function nextWords(commands: readonly CommandForm[], prefix: string): string[] {
  const longer = commands.filter(({ name }) => name.startsWith(`${prefix} `));
  return [...new Set(longer.map(({ name }) => name.slice(prefix.length + 1).split(' ', 1)[0] as string))];
}

/** For sh, bash, zsh and fish alike. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
