import { escapeJson } from '../core/escape.js';
import { printPayload } from './output.js';
import type { ParsedArguments } from './spec.js';

/** Of the form of all JSON that commands print; see docs/reference/json.md and schemas/. */
export const JSON_FORMAT = 1;

interface Envelope {
  /** Name of the command; null when the command line named none. */
  readonly command: string | null;
  readonly exitCode: number;
}

/** What a command found or did. `exitCode` is that of the process: 0, or what the outcome means. */
export function successJson(data: unknown, { command, exitCode }: Envelope, indent = 2): string {
  return toJson({ format: JSON_FORMAT, command, ok: exitCode === 0, exitCode, data }, indent);
}

export function failureJson(error: unknown, { command, exitCode }: Envelope): string {
  return toJson({ format: JSON_FORMAT, command, ok: false, exitCode, error }, 0);
}

/** Fencing tokens are bigints; in JSON they are decimal strings, because most readers round large numbers. */
export function toJson(value: unknown, indent = 2): string {
  return escapeJson(
    JSON.stringify(
      value,
      (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner),
      indent,
    ),
  );
}

/** The same on one line, for a command that prints one thing after another. */
export function printJsonLine(args: ParsedArguments, data: unknown): void {
  printPayload(`${successJson(data, { command: args.command.name, exitCode: 0 }, 0)}\n`);
}

/** Prints what a command found or did, in the envelope, and returns the exit code. */
export function printJson(args: ParsedArguments, data: unknown, exitCode = 0): number {
  printPayload(`${successJson(data, { command: args.command.name, exitCode })}\n`);
  return exitCode;
}
