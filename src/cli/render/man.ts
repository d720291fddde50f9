import { HELP_OPTION } from '../parse.js';
import type { CommandForm, OptionSpec, PositionalSpec } from '../spec.js';

/** What the exit code of every command means, for the section of that name. */
export interface ExitCodeRow {
  readonly code: string;
  readonly meaning: string;
}

/** holdfast(1) in man(7), the only macros that every troff and mandoc knows. */
export function manPage(
  version: string,
  commands: readonly CommandForm[],
  exitCodes: readonly ExitCodeRow[],
): string {
  const lines = [
    `.TH HOLDFAST 1 "" "holdfast ${text(version)}" "User Commands"`,
    '.SH NAME',
    'holdfast \\- locks that hold, between processes, hosts and people',
    '.SH SYNOPSIS',
    ...commands.flatMap(({ usage }) => usage.flatMap((line) => ['.nf', `holdfast ${text(line)}`, '.fi'])),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...exitCodes.flatMap(({ code, meaning }) => ['.TP', `.B ${text(code)}`, text(meaning)]),
    '.SH SEE ALSO',
    '.BR flock (1),',
    '.BR flock (2)',
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines(command: CommandForm): string[] {
  return [
    `.SS holdfast ${text(command.name)}`,
    `${text(command.summary)}.`,
    ...(command.description ?? []).flatMap((paragraph) => ['.PP', text(paragraph)]),
    ...(command.positionals ?? []).flatMap(positionalLines),
    ...[...command.options, HELP_OPTION].flatMap(optionLines),
    ...command.examples.flatMap(({ command: line, help }) => [
      '.PP',
      `${text(help)}:`,
      '.PP',
      '.nf',
      `.RS 4\n${text(line)}\n.RE`,
      '.fi',
    ]),
  ];
}

function positionalLines({ name, help, isRepeatable }: PositionalSpec): string[] {
  return ['.TP', `.I ${text(name)}${isRepeatable === true ? '...' : ''}`, `${text(help)}.`];
}

function optionLines(option: OptionSpec): string[] {
  const shorts = (option.short ?? []).map((letter) => `-${letter}`);
  const longs = [option.name, ...(option.aliases ?? [])].map((name) => `--${name}`);
  const value = option.value === undefined ? '' : ` \\fI${text(option.value)}\\fR`;
  const choices = option.choices === undefined ? '' : `: ${option.choices.join(', ')}`;
  const byDefault = option.default === undefined ? '' : ` (default: ${option.default})`;
  return [
    '.TP',
    `\\fB${text([...shorts, ...longs].join(', '))}\\fR${value}`,
    `${text(`${option.help}${choices}${byDefault}`)}.`,
  ];
}

/** A hyphen of an option must be copied as one, a line must not begin with a control character, a backslash is one. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
