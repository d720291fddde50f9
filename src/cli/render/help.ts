import { HELP_OPTION } from '../parse.js';
import type { CommandForm, OptionSpec, PositionalSpec } from '../spec.js';
import { wrap } from './text.js';

const INDENT = '  ';
const WIDEST_TERM = 30;

/** Lines of `holdfast CMD --help`. */
export function commandHelp(command: CommandForm, width: number): string[] {
  const positionals = command.positionals ?? [];
  return sections([
    [command.summary],
    ['Usage:', ...command.usage.map((usage) => `${INDENT}holdfast ${usage}`)],
    ...(command.description ?? []).map((paragraph) => wrap(paragraph, width)),
    ...(positionals.length === 0 ? [] : [['Arguments:', ...list(positionals.map(positionalRow), width)]]),
    ['Options:', ...list([...command.options, HELP_OPTION].map(optionRow), width)],
    [
      'Examples:',
      ...command.examples.flatMap(({ command: line, help }) => [INDENT + line, INDENT + INDENT + help]),
    ],
  ]);
}

/** Lines of `holdfast --help`. */
export function overviewHelp(commands: readonly CommandForm[], width: number): string[] {
  return sections([
    ['Holdfast: locks that hold, between processes, hosts and people'],
    ['Usage:', `${INDENT}holdfast COMMAND [OPTIONS] [ARGUMENTS]`],
    ['Commands:', ...list(commands.map(commandRow), width)],
    ['See "holdfast COMMAND --help" for one of them.'],
  ]);
}

/** Lines of `holdfast cache --help`, where `cache` is only the first word of several commands. */
export function groupHelp(word: string, commands: readonly CommandForm[], width: number): string[] {
  return sections([[`Commands of "holdfast ${word}":`, ...list(commands.map(commandRow), width)]]);
}

type Row = readonly [term: string, text: string];

/** An empty line behind each. */
function sections(paragraphs: readonly (readonly string[])[]): string[] {
  return paragraphs.flatMap((lines) => [...lines, '']);
}

function commandRow({ name, summary }: CommandForm): Row {
  return [name, summary];
}

function positionalRow(spec: PositionalSpec): Row {
  return [`${spec.name}${spec.isRepeatable === true ? '...' : ''}`, spec.help];
}

function optionRow(option: OptionSpec): Row {
  const shorts = (option.short ?? []).map((letter) => `-${letter}`);
  const longs = [option.name, ...(option.aliases ?? [])].map((name) => `--${name}`);
  const value = option.value === undefined ? '' : ` ${option.value}`;
  const term = `${shorts.length === 0 ? '    ' : ''}${[...shorts, ...longs].join(', ')}${value}`;
  const choices = option.choices === undefined ? '' : `: ${option.choices.join(', ')}`;
  const byDefault = option.default === undefined ? '' : ` (default: ${option.default})`;
  return [term, `${option.help}${choices}${byDefault}`];
}

/** Two columns; a term too long for the first stands on a line of its own. */
function list(rows: readonly Row[], width: number): string[] {
  const termWidth = Math.min(WIDEST_TERM, Math.max(...rows.map(([term]) => term.length)));
  const indent = ' '.repeat(INDENT.length + termWidth + 2);
  return rows.flatMap(([term, text]) => {
    const [first = '', ...rest] = wrap(text, Math.max(width, indent.length + 20), indent);
    if (term.length > termWidth) return [INDENT + term, first, ...rest];
    return [`${INDENT}${term.padEnd(termWidth)}  ${first.trimStart()}`, ...rest];
  });
}
