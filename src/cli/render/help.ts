import { HELP_OPTION } from '../parse.js';
import type { CommandForm, OptionSpec, PositionalSpec } from '../spec.js';
import { wrap } from './text.js';

const INDENT = '  ';
const WIDEST_TERM = 30;

/** `holdfast CMD --help`. */
export function commandHelp(command: CommandForm, width: number): string {
  const sections = [
    command.summary,
    section(
      'Usage',
      command.usage.map((usage) => `${INDENT}holdfast ${usage}`),
    ),
    ...(command.description ?? []).map((paragraph) => wrap(paragraph, width)),
  ];
  const positionals = command.positionals ?? [];
  if (positionals.length > 0)
    sections.push(section('Arguments', list(positionals.map(positionalRow), width)));
  sections.push(section('Options', list([...command.options, HELP_OPTION].map(optionRow), width)));
  if (command.examples.length > 0) {
    const examples = command.examples.map(
      ({ command: line, help }) => `${INDENT}${line}\n${INDENT}${INDENT}${help}`,
    );
    sections.push(section('Examples', examples));
  }
  return `${sections.join('\n\n')}\n`;
}

/** `holdfast --help`. */
export function overviewHelp(commands: readonly CommandForm[], width: number): string {
  const rows = commands.map(({ name, summary }): Row => [name, summary]);
  return `${[
    'Holdfast: locks that hold, between processes, hosts and people',
    section('Usage', [`${INDENT}holdfast COMMAND [OPTIONS] [ARGUMENTS]`]),
    section('Commands', list(rows, width)),
    'See "holdfast COMMAND --help" for one of them.',
  ].join('\n\n')}\n`;
}

/** `holdfast cache --help`, where `cache` is only the first word of several commands. */
export function groupHelp(word: string, commands: readonly CommandForm[], width: number): string {
  const rows = commands.map(({ name, summary }): Row => [name, summary]);
  return `${section(`Commands of "holdfast ${word}"`, list(rows, width))}\n`;
}

type Row = readonly [term: string, text: string];

function section(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.join('\n')}`;
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
  return rows.map(([term, text]) => {
    const wrapped = wrap(text, Math.max(width, indent.length + 20), indent);
    if (term.length > termWidth) return `${INDENT}${term}\n${wrapped}`;
    return `${INDENT}${term.padEnd(termWidth)}  ${wrapped.trimStart()}`;
  });
}
