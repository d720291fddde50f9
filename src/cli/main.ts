import { warnings } from '../core/warnings.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { insteadOf, withoutAlias } from './aliases.js';
import { stdoutFailure } from './output.js';
import { print } from './print.js';
import { proseWidth } from './terminal.js';
import { parseCommand } from './parse.js';
import { reportError } from './render/error.js';
import type { CommandForm } from './spec.js';
import { findCommand } from './forms.js';
import { COMMANDS } from './table.js';
import { hideCredentials } from './title.js';
import { suggestion, UsageError } from './usage-error.js';

/** Runs the command line `args` (without node and script) and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  hideCredentials(args);
  warnings.areOn = false;
  try {
    const exitCode = await dispatch(args);
    const failure = await stdoutFailure();
    return failure === undefined
      ? exitCode
      : reportError(systemError('write to', 'stdout', errnoOf(failure) ?? 'EIO', failure));
  } catch (error) {
    const command = findCommand(COMMANDS, withoutAlias(args))?.command.name ?? null;
    return reportError(error, { isJson: args.includes('--json'), command });
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const words = withoutAlias(args);
  const found = findCommand(COMMANDS, words);
  if (found === undefined) return withoutCommand(words);
  const { command, length } = found;
  const { spec, execute } = await command.load();
  const rest = words.slice(length);
  if (spec.positionals === undefined) assertNoSubcommand(command.name, rest, words);
  const parsed = parseCommand(spec, rest);
  if (parsed.has('help')) return showHelp(spec);
  return execute(parsed);
}

/** `claims frobnicate`: what `claims` alone would call an unexpected argument is the name of a command. */
function assertNoSubcommand(command: string, rest: readonly string[], words: readonly string[]): void {
  const [first] = rest;
  const names = COMMANDS.filter(({ name }) => name.startsWith(`${command} `)).map(({ name }) =>
    name.slice(command.length + 1),
  );
  if (first === undefined || first.startsWith('-') || names.length === 0) return;
  throw unknownCommand(words, `${command} ${first}`, suggestion(first, names), command);
}

function unknownCommand(
  words: readonly string[],
  named: string,
  meant: string,
  group: string | undefined,
): UsageError {
  const instead = insteadOf(words);
  return new UsageError(`Unknown command "${named}"${instead === undefined ? meant : ''}`, group, instead);
}

async function showHelp(command: CommandForm): Promise<number> {
  const { commandHelp } = await import('./render/help.js');
  print(...commandHelp(command, proseWidth()));
  return 0;
}

async function withoutCommand(args: readonly string[]): Promise<number> {
  const [first, second] = args;
  if (first === undefined) throw new UsageError('No command was given');
  if (first.startsWith('-')) throw new UsageError(`Unknown option "${first}"`);
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) {
    throw unknownCommand(args, first, suggestion(first, firstWords()), undefined);
  }
  if (second === '--help' || second === '-h') return dispatch(['help', first]);
  const names = group.map(({ name }) => name.slice(first.length + 1));
  if (second === undefined || second.startsWith('-')) {
    throw new UsageError(`"holdfast ${first}" needs one more word: ${names.join(', ')}`, first);
  }
  throw unknownCommand(args, `${first} ${second}`, suggestion(second, names), first);
}

function firstWords(): string[] {
  return [...new Set(COMMANDS.map(({ name }) => name.split(' ', 1)[0] as string))];
}
