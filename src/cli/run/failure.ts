import { formatDuration } from '../../core/duration.js';
import { isLockError } from '../../core/errors.js';
import { describeHolder } from '../../core/messages.js';
import type { HolderInfo } from '../../core/backend.js';
import { exitCodeOfSignal } from '../../process/children.js';
import type { SignalCancel } from '../cancel.js';
import { note } from '../output.js';
import { reportError } from '../render/error.js';

export interface FailureContext {
  readonly address: string;
  readonly cancel: SignalCancel;
  readonly waitedMs: number;
  readonly conflictExitCode: number;
  readonly isQuiet: boolean;
}

/** The wait was given up because the holder is a wrapper that this command runs under. */
export class EnclosedError extends Error {
  constructor(address: string, holder: HolderInfo) {
    super(
      `Could not lock "${address}": the "holdfast run" that holds it, ${describeHolder(holder)}, waits for this very command to end. Drop the inner lock, or use another one.`,
    );
    this.name = 'EnclosedError';
  }
}

export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
}

/** Says why the lock was not acquired, unless it is contention only and that is to be quiet; returns the exit code. */
export function reportFailure(error: unknown, context: FailureContext): Failure {
  const { address, cancel, isQuiet, conflictExitCode } = context;
  const say = (message: string): void => {
    if (!isQuiet) note(`holdfast: ${message}`);
  };
  const enclosed =
    isLockError(error) && error.isCanceled && error.cause instanceof EnclosedError ? error.cause : undefined;
  if (enclosed !== undefined) {
    say(enclosed.message);
    return { exitCode: conflictExitCode, code: 'HOLDFAST_CONTENDED', message: enclosed.message };
  }
  if (isLockError(error) && error.isCanceled && cancel.received !== undefined) {
    const message = `Could not lock "${address}": canceled by ${cancel.received} after ${formatDuration(context.waitedMs)}. Nothing was run.`;
    say(message);
    return { exitCode: exitCodeOfSignal(cancel.received), code: error.code, message };
  }
  if (isLockError(error) && error.isTimeout) {
    say(error.message);
    return { exitCode: conflictExitCode, code: error.code, message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: reportError(error),
    code: isLockError(error) ? error.code : 'unexpected',
    message,
  };
}
