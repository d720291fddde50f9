import { parseArgs } from 'node:util';

import { parseDuration } from '../core/duration.js';
import type { CommandForm, OptionSpec, ParsedArguments } from './spec.js';
import { suggestion, UsageError } from './usage-error.js';

interface Given {
  /** As typed: `-w`, `--lock-timeout`. */
  readonly spelling: string;
  readonly value: string | undefined;
}

/** What every command understands without saying so. */
export const HELP_OPTION: OptionSpec = { name: 'help', short: ['h'], help: 'Show this help' };

/**
 * Understands `args`, the words behind the command's name. Short options may be grouped and glued to their
 * values (`-nE9`, `-w2`), as with getopt.
 *
 * @throws UsageError naming the first word that is wrong.
 */
export function parseCommand(command: CommandForm, args: readonly string[]): ParsedArguments {
  // Nothing in front of the LOCK of `run`, so nothing to parse: it starts sooner.
  if (command.isCutAtPositional === true && args[0]?.startsWith('-') === false)
    return new Arguments(command, [], args, new Map());
  const options = [...command.options, HELP_OPTION];
  const byRawName = new Map<string, OptionSpec>();
  for (const option of options) for (const raw of spellingsOf(option)) byRawName.set(raw, option);
  const tokens = tokenize(options, args);

  const given = new Map<string, Given[]>();
  const positionals: string[] = [];
  let rest: readonly string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (command.isCutAtPositional === true) {
        rest = args.slice(token.index);
        break;
      }
      positionals.push(token.value);
      continue;
    }
    const option = byRawName.get(token.rawName);
    if (option === undefined) throw unknownOption(command, token.rawName, [...byRawName.keys()]);
    checkValue(command, option, token.rawName, token.value);
    const list = given.get(option.name);
    const entry = { spelling: token.rawName, value: token.value };
    if (list === undefined) given.set(option.name, [entry]);
    else list.push(entry);
  }
  const parsed = new Arguments(command, positionals, rest, given);
  if (!parsed.has('help') && command.isCutAtPositional !== true) checkPositionals(command, positionals);
  return parsed;
}

/** Every way to write an option, dashes included; the long name first. */
export function spellingsOf(option: OptionSpec): string[] {
  const long = [option.name, ...(option.aliases ?? [])].map((name) => `--${name}`);
  return [...long, ...(option.short ?? []).map((letter) => `-${letter}`)];
}

/** parseArgs allows one short letter per option, so each spelling is declared as an option of its own. */
function tokenize(options: readonly OptionSpec[], args: readonly string[]) {
  const declared: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  for (const option of options) {
    const type = option.value === undefined ? 'boolean' : 'string';
    for (const name of [option.name, ...(option.aliases ?? [])]) declared[name] = { type };
    for (const letter of option.short ?? []) declared[`short ${letter}`] = { type, short: letter };
  }
  return parseArgs({
    args: [...args],
    options: declared,
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

function checkValue(
  command: CommandForm,
  option: OptionSpec,
  spelling: string,
  value: string | undefined,
): void {
  const fail = (fact: string): never => {
    throw new UsageError(fact, command.name);
  };
  if (option.value === undefined) {
    if (value !== undefined) fail(`${spelling} takes no value, but got "${value}"`);
    return;
  }
  if (value === undefined) return fail(`${spelling} needs a value: ${spelling} ${option.value}`);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    fail(
      `${spelling} is one of ${option.choices.join(', ')}, not "${value}"${suggestion(value, option.choices)}`,
    );
  }
  if (option.kind === 'duration') {
    durationOf(value, spelling, command.name);
  } else if (option.kind === 'exit-code' && !(/^\d{1,3}$/.test(value) && Number(value) <= 255)) {
    fail(`${spelling} is an exit code from 0 to 255, not "${value}"`);
  } else if (option.kind === 'count' && !/^\d{1,15}$/.test(value)) {
    fail(`${spelling} is a whole number, not "${value}"`);
  }
}

/** @throws UsageError naming `source`, the option or variable that the text came from. */
export function durationOf(text: string, source: string, command?: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new UsageError(
      `${source} is a duration such as 1500ms, 5s, 2.5 (seconds), 10m, 2h or infinite, not "${text}"`,
      command,
    );
  }
}

function unknownOption(command: CommandForm, spelling: string, known: readonly string[]): UsageError {
  return new UsageError(`Unknown option "${spelling}"${suggestion(spelling, known)}`, command.name);
}

function checkPositionals(command: CommandForm, given: readonly string[]): void {
  const specs = command.positionals ?? [];
  const missing = specs[given.length];
  if (missing !== undefined && missing.isOptional !== true) {
    throw new UsageError(`${missing.name} is missing`, command.name);
  }
  if (given.length > specs.length && specs.at(-1)?.isRepeatable !== true) {
    throw new UsageError(`Unexpected argument "${given[specs.length] ?? ''}"`, command.name);
  }
  given.forEach((word, index) => {
    const spec = specs[Math.min(index, specs.length - 1)];
    if (spec?.choices === undefined || spec.choices.includes(word)) return;
    throw new UsageError(
      `${spec.name} is one of ${spec.choices.join(', ')}, not "${word}"${suggestion(word, spec.choices)}`,
      command.name,
    );
  });
}

class Arguments implements ParsedArguments {
  readonly command: CommandForm;
  readonly positionals: readonly string[];
  readonly rest: readonly string[];
  readonly #given: ReadonlyMap<string, readonly Given[]>;

  constructor(
    command: CommandForm,
    positionals: readonly string[],
    rest: readonly string[],
    given: ReadonlyMap<string, readonly Given[]>,
  ) {
    this.command = command;
    this.positionals = positionals;
    this.rest = rest;
    this.#given = given;
  }

  has(option: string): boolean {
    return this.#given.has(option);
  }
  /** Given more than once, the last one counts, as everywhere. */
  text(option: string): string | undefined {
    return this.#given.get(option)?.at(-1)?.value;
  }
  list(option: string): readonly string[] {
    return (this.#given.get(option) ?? []).flatMap(({ value }) => (value === undefined ? [] : [value]));
  }
  number(option: string): number | undefined {
    const text = this.text(option);
    return text === undefined ? undefined : Number(text);
  }
  durationMs(option: string): number | undefined {
    const text = this.text(option);
    return text === undefined ? undefined : parseDuration(text);
  }
  spelling(option: string): string | undefined {
    return this.#given.get(option)?.at(-1)?.spelling;
  }
}
