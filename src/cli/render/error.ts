import { isLockError, LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { failureJson } from '../envelope.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import { holderJson } from '../json.js';
import { note } from '../output.js';
import { isUsageError } from '../usage-error.js';

interface ReportOptions {
  readonly isJson?: boolean;
  /** The command that failed; null when the command line names none. */
  readonly command?: string | null;
}

/** Says on stderr what went wrong and returns the exit code for it. */
export function reportError(error: unknown, { isJson = false, command = null }: ReportOptions = {}): number {
  const { exitCode, details, stack, ...facts } = describe(error);
  if (isJson) note(failureJson({ ...facts, ...details }, { command, exitCode }));
  else note(`holdfast: ${facts.message}`);
  // A bug of ours: the stack is what a report needs.
  if (!isJson) for (const line of stack ?? []) note(`  ${line.trim()}`);
  return exitCode;
}

interface Description {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly details?: object;
  readonly stack?: readonly string[];
}

function describe(error: unknown): Description {
  if (isUsageError(error)) {
    const help = error.command === undefined ? 'holdfast --help' : `holdfast ${error.command} --help`;
    const hint = error.hint ?? help;
    const message = `${error.message}. ${error.hint === undefined ? 'See' : 'Write'} "${hint}".`;
    return { code: 'usage', message, exitCode: EXIT.usage, details: { hint } };
  }
  if (isLockError(error)) return describeLockError(error);
  // An argument that the library refuses, such as an address that only its backend can read.
  if (isRefusedArgument(error)) return { code: 'usage', message: error.message, exitCode: EXIT.usage };
  const errno = errnoOf(error);
  if (errno !== undefined) return describeLockError(failedCall(errno, error as NodeJS.ErrnoException));
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const [message = '', ...rest] = stack.split('\n');
  return {
    code: 'unexpected',
    message: `unexpected error: ${message}`,
    exitCode: EXIT.software,
    stack: rest,
  };
}

/** Those of the engine ("x is not a function") do not begin so. */
function isRefusedArgument(error: unknown): error is Error {
  return (
    (error instanceof TypeError || error instanceof RangeError) && error.message.startsWith('Could not ')
  );
}

function describeLockError(error: LockError): Description {
  const { code, message, resource, holders, deadlock, lossReason } = error;
  const details = {
    ...(resource !== undefined && { resource }),
    ...(holders && { holders: holders.map(holderJson) }),
    ...(deadlock && { deadlock }),
    ...(lossReason && { lossReason }),
  };
  return { code, message, exitCode: exitCodeOf(code), details };
}

/** What came straight from one of Node's calls, as the error that it is for our users. */
function failedCall(errno: string, error: NodeJS.ErrnoException): LockError {
  const { syscall = 'use', path } = error;
  if (syscall === 'uv_cwd') {
    return new LockError(
      `Could not read the working directory: it was removed (${errno}). Change to another one, or use absolute paths.`,
      { code: 'HOLDFAST_IO', cause: error },
    );
  }
  return systemError(syscall, path ?? 'a file', errno, error);
}
