import { existsSync } from 'node:fs';

import type { Clock } from '../../core/time.js';
import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { execFile, type ExecResult } from '../exec.js';

/** For what git has written, when its maintenance goes on with the output open. */
const OUTLIVED_MS = 100;

export interface GitCommand {
  readonly cwd?: string | undefined;
  /** Of `./environment.ts`. */
  readonly env: NodeJS.ProcessEnv;
  /** Until git and its descendants are ended. Infinity for never. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly input?: string | undefined;
  readonly maxOutputBytes?: number | undefined;
  readonly onStderrLine?: ((line: string) => void) | undefined;
  readonly onStart?: ((pid: number) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Runs git once; the only place that starts it. Resolves whatever its exit code is.
 *
 * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when there is no git; the signal's reason after an abort.
 */
export async function runGit(args: readonly string[], command: GitCommand): Promise<ExecResult> {
  const { cwd, signal, input, maxOutputBytes, onStderrLine, onStart, clock, env, timeoutMs } = command;
  try {
    return await execFile('git', args, {
      env,
      timeoutMs,
      ...(cwd !== undefined && { cwd }),
      ...(signal && { signal }),
      ...(input !== undefined && { input }),
      ...(maxOutputBytes !== undefined && { maxOutputBytes }),
      ...(onStderrLine && { onStderrLine }),
      ...(onStart && { onStart }),
      ...(clock && { clock }),
      isFamilyOnly: true,
      outlivedMs: OUTLIVED_MS,
    });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || error instanceof LockError) throw error;
    // spawn reports a missing directory in the same way as a missing program.
    if (errno === 'ENOENT' && (cwd === undefined || existsSync(cwd))) throw noGitError(error);
    throw systemError('run git in', cwd ?? process.cwd(), errno, error);
  }
}

function noGitError(cause: unknown): LockError {
  return new LockError('Could not run "git": the program was not found. Install git 2.30 or later.', {
    code: 'HOLDFAST_BACKEND_UNAVAILABLE',
    cause,
  });
}
