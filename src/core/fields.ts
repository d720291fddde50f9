// Checks of what was read from a file or a store that others can write: nothing of it is used before its types are known.

export type FieldCheck = (value: unknown) => boolean;

/** True for an object in which each named field passes its check. Fields without a check are not looked at. */
export function hasFields(value: unknown, checks: Readonly<Record<string, FieldCheck>>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

export const isText: FieldCheck = (value) => typeof value === 'string';

export const isFlag: FieldCheck = (value) => typeof value === 'boolean';

export const isAmount: FieldCheck = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** Milliseconds since 1970, on a calendar that Date has. */
export const isWallClockMs: FieldCheck = (value) =>
  typeof value === 'number' && !Number.isNaN(new Date(value).getTime());

/** An instant as ISO 8601. */
export const isInstant: FieldCheck = (value) =>
  typeof value === 'string' && !Number.isNaN(new Date(value).getTime());

export function isOneOf(values: readonly unknown[]): FieldCheck {
  return (value) => values.includes(value);
}

export function isListOf(check: FieldCheck): FieldCheck {
  return (value) => Array.isArray(value) && value.every(check);
}

/** The field may be missing. */
export function optional(check: FieldCheck): FieldCheck {
  return (value) => value === undefined || check(value);
}
