import { Timeout } from '../../core/timeout.js';
import type { Mode } from '../../core/backend.js';
import type { ParsedArguments } from '../spec.js';
import { resolveTimeout } from '../timeout.js';
import { UsageError } from '../usage-error.js';

/** What is to be locked: an address, the lock of a data file, or an inherited descriptor. */
export type Subject =
  | { readonly kind: 'lock' | 'data'; readonly name: string }
  | { readonly kind: 'descriptor'; readonly descriptor: number };

/** `holdfast run`, understood. */
export interface RunRequest {
  readonly subject: Subject;
  /** Program and arguments; empty only for a descriptor. */
  readonly argv: readonly string[];
  readonly mode: Mode;
  readonly timeout: Timeout;
  readonly conflictExitCode: number;
  readonly lostExitCode: number;
  readonly graceMs: number;
  readonly leaseDurationMs: number | undefined;
  /** The command is not needed any more once this file has been made or renewed by another process. */
  readonly unlessNewer: string | undefined;
  /** How many may hold it at a time, where that is not one. */
  readonly permits: number | undefined;
  /** After a loss the lock is waited for, and the command started, again. */
  readonly isStandingBy: boolean;
  readonly reason: string | undefined;
  /** The holder's record carries the command line. */
  readonly isCommandRecorded: boolean;
  /** The lock is kept until everything that the command leaves behind has ended. */
  readonly isUntilClosed: boolean;
  /** The descriptor is to be unlocked. */
  readonly isUnlocking: boolean;
  /** The command does not get the locked descriptor. */
  readonly isClosing: boolean;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  readonly events: string | undefined;
}

const DEFAULT_GRACE_MS = 5_000;
const DEFAULT_SHELL = process.platform === 'win32' ? 'sh' : '/bin/sh';
/** A record has room for more than a person reads: what is longer is cut. */
const LONGEST_REASON = 500;

/** @throws UsageError */
export async function readRunRequest(args: ParsedArguments): Promise<RunRequest> {
  const { subject, argv } = readOperands(args);
  if (args.has('exclusive') && args.has('shared')) {
    throw usage(`${args.spelling('exclusive')} and ${args.spelling('shared')} exclude each other`);
  }
  const reason = args.text('reason');
  if (reason !== undefined && /[\r\n]/.test(reason)) throw usage('--reason is text of one line');
  const leaseDurationMs = args.durationMs('lease');
  if (leaseDurationMs !== undefined && !(leaseDurationMs >= 1_000 && leaseDurationMs <= 86_400_000)) {
    throw usage(`--lease lies between 1s and 24h, not "${args.text('lease')}"`);
  }
  const permits = args.number('permits');
  if (permits !== undefined && !(permits >= 1 && permits <= 10_000)) {
    throw usage(`--permits lies between 1 and 10000, not "${args.text('permits')}"`);
  }
  if (permits !== undefined && args.has('shared')) throw usage('--permits and --shared exclude each other');
  if (permits !== undefined && subject.kind === 'descriptor') throw usage('--permits needs a LOCK');
  if (args.has('unlock') && subject.kind !== 'descriptor')
    throw usage(`${args.spelling('unlock')} needs a NUMBER and no COMMAND`);
  if (args.has('until-closed') && args.has('close'))
    throw usage('--until-closed and --close exclude each other');
  return {
    subject,
    argv,
    mode: args.has('shared') ? 'shared' : 'exclusive',
    timeout: args.has('nonblock')
      ? new Timeout(0, '--nonblock')
      : await resolveTimeout(args, { option: 'wait', configKey: 'lockTimeout', defaultMs: Infinity }),
    conflictExitCode: args.number('conflict-exit-code') ?? 75,
    lostExitCode: args.number('lost-exit-code') ?? 76,
    graceMs: args.durationMs('grace') ?? DEFAULT_GRACE_MS,
    leaseDurationMs,
    unlessNewer: args.text('unless-newer'),
    permits,
    isStandingBy: args.has('stand-by'),
    reason: reason?.slice(0, LONGEST_REASON),
    isCommandRecorded: args.has('record-command'),
    isUntilClosed: args.has('until-closed'),
    isUnlocking: args.has('unlock'),
    isClosing: args.has('close'),
    isQuiet: args.has('quiet'),
    isVerbose: args.has('verbose'),
    events: args.text('events'),
  };
}

function readOperands(args: ParsedArguments): Pick<RunRequest, 'subject' | 'argv'> {
  const dataPath = args.text('for');
  const text = args.text('command');
  if (dataPath !== undefined) {
    const argv = text === undefined ? args.rest : shell([text, ...args.rest], args.spelling('command'));
    if (argv.length === 0) throw usage('COMMAND is missing');
    return { subject: { kind: 'data', name: dataPath }, argv };
  }
  if (text !== undefined) throw usage(`${args.spelling('command')} STRING stands right behind LOCK`);
  const [name, ...behind] = args.rest;
  if (name === undefined) throw usage('LOCK is missing');
  if (behind.length === 0 && /^\d{1,9}$/.test(name)) {
    return { subject: { kind: 'descriptor', descriptor: Number(name) }, argv: [] };
  }
  return { subject: { kind: 'lock', name }, argv: readCommand(behind) };
}

/** What stands behind LOCK: `-c STRING`, or a program and its arguments with an optional `--` before them. */
function readCommand(behind: readonly string[]): readonly string[] {
  const [first, ...rest] = behind;
  if (first === '-c' || first === '--command') return shell(rest, first);
  const argv = first === '--' ? rest : behind;
  if (argv.length === 0) throw usage('COMMAND is missing');
  return argv;
}

function shell(words: readonly string[], spelling = '-c'): readonly string[] {
  const [text, unexpected] = words;
  if (text === undefined) throw usage(`${spelling} needs a value: ${spelling} STRING`);
  if (unexpected !== undefined)
    throw usage(`${spelling} takes one STRING; quote it, or drop "${unexpected}"`);
  // As flock(1) does; nothing but a shell understands -c there.
  const own = process.platform === 'win32' ? undefined : process.env['SHELL'];
  return [own === undefined || own === '' ? DEFAULT_SHELL : own, '-c', text];
}

export function usage(fact: string): UsageError {
  return new UsageError(fact, 'run');
}
