import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, resolve } from 'node:path';

import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, type SpawnFailure } from './exit-status.js';

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
  return canAccess(path, constants.F_OK);
}

function isExecutable(path: string): boolean {
  return canAccess(path, constants.X_OK);
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
