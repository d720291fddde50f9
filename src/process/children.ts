import { accessSync, constants as access, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, isAbsolute, resolve } from 'node:path';

/** How a child ended, or why it never began. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: number }
  | SpawnFailure;

export interface SpawnFailure {
  readonly kind: 'not-started';
  readonly exitCode: typeof EXIT_NOT_FOUND | typeof EXIT_NOT_EXECUTABLE;
  /** `interpreter-not-found`: the file is there, the program its first line names is not. */
  readonly reason:
    'not-found' | 'not-executable' | 'interpreter-not-found' | 'directory-not-found' | 'failed';
  readonly cause: Error;
}

export const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_EXECUTABLE = 126;

/** The exit code a shell reports: the child's own, 128+n for signal n, 127 not found, 126 not executable. */
export function exitCodeOf(end: ChildEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.code;
    case 'signaled':
      return 128 + end.signal;
    case 'not-started':
      return end.exitCode;
  }
}

/** 128+n. A signal that this platform does not number reads as 128. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + signalNumber(signal);
}

export function signalNumber(signal: NodeJS.Signals): number {
  return (constants.signals as Partial<Record<string, number>>)[signal] ?? 0;
}

/** The first real-time signal that programs get; the C library keeps two for itself. */
const FIRST_REAL_TIME = 34;

/** `SIGTERM`, `SIGRTMIN+1`. */
export function signalName(signal: number): string {
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  if (name !== undefined) return name;
  return signal >= FIRST_REAL_TIME ? `SIGRTMIN+${signal - FIRST_REAL_TIME}` : `signal ${signal}`;
}

/** What wait(2) says of a process that has ended. */
export function endOfStatus(status: number): ChildEnd {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exited', code: (status >> 8) & 0xff } : { kind: 'signaled', signal };
}
/**
 * Why `spawn` failed. The errno alone misleads: ENOENT also means a missing working directory or a missing
 * interpreter of a script that is there, and EACCES also an unsearchable directory on the PATH.
 */
export function explainSpawnFailure(
  cause: NodeJS.ErrnoException,
  command: string,
  cwd: string | undefined,
  env: NodeJS.ProcessEnv,
): SpawnFailure {
  const failure = (exitCode: SpawnFailure['exitCode'], reason: SpawnFailure['reason']): SpawnFailure => ({
    kind: 'not-started',
    exitCode,
    reason,
    cause,
  });
  if (cause.code !== 'ENOENT' && cause.code !== 'EACCES' && cause.code !== 'ENOTDIR') {
    return failure(EXIT_NOT_EXECUTABLE, 'failed');
  }
  if (cwd !== undefined && !isDirectory(cwd)) return failure(EXIT_NOT_EXECUTABLE, 'directory-not-found');
  const found = candidates(command, cwd, env).filter((path) => doesExist(path));
  if (found.length === 0) return failure(EXIT_NOT_FOUND, 'not-found');
  const isRunnable = found.some((path) => !isDirectory(path) && isExecutable(path));
  return failure(EXIT_NOT_EXECUTABLE, isRunnable ? 'interpreter-not-found' : 'not-executable');
}

/** As execvp(3) searches: a name with a slash is a path, an empty PATH entry is the working directory. */
function candidates(command: string, cwd: string | undefined, env: NodeJS.ProcessEnv): string[] {
  const base = cwd ?? '.';
  if (isAbsolute(command) || command.includes('/')) return [resolve(base, command)];
  const path = env['PATH'] ?? '/usr/local/bin:/bin:/usr/bin';
  return path.split(delimiter).map((directory) => resolve(base, directory, command));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function doesExist(path: string): boolean {
  return canAccess(path, access.F_OK);
}

function isExecutable(path: string): boolean {
  return canAccess(path, access.X_OK);
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
