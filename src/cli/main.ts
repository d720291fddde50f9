import { errnoOf, systemError } from '../core/system-error.js';
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
  try {
    const exitCode = await dispatch(args);
    const failure = await stdoutFailure();
    return failure === undefined
      ? exitCode
      : reportError(systemError('write to', 'stdout', errnoOf(failure) ?? 'EIO', failure));
  } catch (error) {
    const command = findCommand(COMMANDS, args)?.command.name ?? null;
    return reportError(error, { isJson: args.includes('--json'), command });
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first = ''] = args;
  if (first === '--version' || first === '-V') return dispatch(['version', ...args.slice(1)]);
  if (first === '--help' || first === '-h') return dispatch(['help', ...args.slice(1)]);
  const found = findCommand(COMMANDS, args);
  if (found === undefined) return withoutCommand(args);
  const { command, length } = found;
  const { spec, execute } = await command.load();
  const parsed = parseCommand(spec, args.slice(length));
  if (parsed.has('help')) return showHelp(spec);
  return execute(parsed);
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
    throw new UsageError(`Unknown command "${first}"${suggestion(first, firstWords())}`);
  }
  if (second === '--help' || second === '-h') return dispatch(['help', first]);
  const names = group.map(({ name }) => name.slice(first.length + 1));
  if (second === undefined || second.startsWith('-')) {
    throw new UsageError(`"holdfast ${first}" needs one more word: ${names.join(', ')}`, first);
  }
  throw new UsageError(`Unknown command "${first} ${second}"${suggestion(second, names)}`, first);
}

function firstWords(): string[] {
  return [...new Set(COMMANDS.map(({ name }) => name.split(' ', 1)[0] as string))];
}
