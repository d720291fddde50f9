import type { HolderInfo } from '../../core/backend.js';
import { isLockError } from '../../core/errors.js';
import { EXIT, exitCodeOf } from '../exit-codes.js';
import { note, toJson } from '../output.js';
import { isUsageError } from '../usage-error.js';

/** Says on stderr what went wrong and returns the exit code for it. */
export function reportError(error: unknown, options: { readonly isJson?: boolean } = {}): number {
  const { code, message, exitCode, holders } = describe(error);
  if (options.isJson === true) note(toJson({ error: { code, message, ...(holders && { holders }) } }));
  else note(`holdfast: ${message}`);
  return exitCode;
}

interface Description {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
  readonly holders?: readonly HolderInfo[];
}

function describe(error: unknown): Description {
  if (isUsageError(error)) {
    const subject = error.command === undefined ? 'holdfast --help' : `holdfast ${error.command} --help`;
    return { code: 'usage', message: `${error.message}. See "${subject}".`, exitCode: EXIT.usage };
  }
  if (isLockError(error)) {
    const { code, message, holders } = error;
    return { code, message, exitCode: exitCodeOf(code), ...(holders && { holders }) };
  }
  // A bug of ours, or something nobody thought of: the stack is what a report needs.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'unexpected', message: `unexpected error: ${stack}`, exitCode: EXIT.software };
}
