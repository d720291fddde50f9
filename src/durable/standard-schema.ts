import { contentError } from './failure.js';

/** What zod, valibot, arktype and others offer (standardschema.dev, version 1). */
export interface StandardSchema<Output = unknown> {
  /** The interface of the specification, version 1. */
  readonly '~standard': {
    readonly version: 1;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** Outcome of a validation: a value, or issues. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** Why a value does not fit. */
export interface SchemaIssue {
  /** The reason as the schema states it. */
  readonly message: string;
  /** Where in the value. Absent for the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** @throws LockError HOLDFAST_PROTOCOL naming the first issue. `action` and `path` go into its message. */
export async function validated<T>(
  schema: StandardSchema<T> | undefined,
  value: unknown,
  action: string,
  path: string,
): Promise<T> {
  if (schema === undefined) return value as T;
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  throw contentError(
    action,
    path,
    describeIssues(result.issues),
    'Correct the value, or the schema',
    result.issues,
  );
}

export function describeIssues(issues: readonly SchemaIssue[]): string {
  const [first] = issues;
  if (first === undefined) return 'it does not fit the schema';
  const where = (first.path ?? [])
    .map((part) => String(typeof part === 'object' ? part.key : part))
    .join('.');
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return `it does not fit the schema: ${where === '' ? '' : `${where}: `}${first.message.replace(/\.$/, '')}${more}`;
}
