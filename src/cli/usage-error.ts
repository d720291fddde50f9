import { nearest } from '../core/nearest.js';

const BRAND = Symbol.for('holdfast.UsageError');

/** The command line itself is wrong: exit 64. `message` names what, without a full stop. */
export class UsageError extends Error {
  /** The command to look up in the help; undefined when not even that was understood. */
  readonly command: string | undefined;
  /** The exact command line to try instead, where it is known. */
  readonly hint: string | undefined;

  constructor(message: string, command?: string, hint?: string) {
    super(message);
    this.name = 'UsageError';
    this.command = command;
    this.hint = hint;
  }

  get [BRAND](): true {
    return true;
  }
}

/** `instanceof` would not do: the bundled `run` and what it loads from dist/ have a copy of this class each. */
export function isUsageError(value: unknown): value is UsageError {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}

/** ` (did you mean "--timeout"?)` when one of `known` is near enough to `word`, else nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}
