import { UsageError } from '../../usage-error.js';
import type { ParsedArguments, PositionalSpec } from '../../spec.js';

export const TRACE_DIRECTORY: PositionalSpec = {
  name: 'DIR',
  help: 'Where it was recorded; default: HOLDFAST_TRACE',
  isOptional: true,
  completes: 'directory',
};

/** The directory that was named, else that of the environment. */
export function traceDirectory(args: ParsedArguments, at: number): string {
  const directory = args.positionals[at] ?? process.env['HOLDFAST_TRACE'];
  if (directory !== undefined && directory !== '') return directory;
  throw new UsageError('No directory was named, and HOLDFAST_TRACE is not set', args.command.name);
}
