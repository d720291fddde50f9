import { nearest } from './nearest.js';

/** What one option may be. */
export interface OptionRule {
  /** As messages say it: `a number`, `true or false`. */
  readonly type: string;
  readonly accepts: (value: unknown) => boolean;
}

/** Every option of a function, by name. */
export type OptionRules = Readonly<Record<string, OptionRule>>;

const ofType = (type: string, text: string): OptionRule => ({
  type: text,
  accepts: (value) => typeof value === type,
});

export const NUMBER = ofType('number', 'a number');
export const BOOLEAN = ofType('boolean', 'true or false');
export const TEXT = ofType('string', 'text');
export const BIGINT = ofType('bigint', 'a bigint');
export const FUNCTION = ofType('function', 'a function');
export const OBJECT: OptionRule = {
  type: 'an object',
  accepts: (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
};
export const ANYTHING: OptionRule = { type: 'anything', accepts: () => true };
export const LIST: OptionRule = { type: 'an array', accepts: (value) => Array.isArray(value) };
export const SIGNAL: OptionRule = {
  type: 'an AbortSignal',
  // Not instanceof: signals of another realm, and of libraries that bring their own, work as well.
  accepts: (value) =>
    typeof (value as AbortSignal | null)?.aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function',
};

export function oneOf(...values: readonly string[]): OptionRule {
  return {
    type: values.map((value) => `'${value}'`).join(' or '),
    accepts: (value) => values.includes(value as string),
  };
}

export function either(...rules: readonly OptionRule[]): OptionRule {
  return {
    type: rules.map(({ type }) => type).join(' or '),
    accepts: (value) => rules.some((rule) => rule.accepts(value)),
  };
}

/**
 * Checks options as a caller gave them. An option that is undefined counts as absent.
 *
 * @throws TypeError for an unknown name, which names the nearest right one, and for a value of the wrong type.
 */
export function checkOptions(options: unknown, rules: OptionRules): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`The options must be an object, not ${show(options)}.`);
  }
  for (const name of Object.keys(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw unknownOption(name, Object.keys(rules));
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && !rule.accepts(value)) {
      throw new TypeError(`${name} must be ${rule.type}, not ${show(value)}.`);
    }
  }
}

function unknownOption(name: string, known: readonly string[]): TypeError {
  const near = nearest(name, known);
  const hint = near === undefined ? `The options are ${known.join(', ')}` : `Did you mean ${near}?`;
  return new TypeError(`There is no option "${name}". ${hint}${near === undefined ? '.' : ''}`);
}

/** A value as a message shows it, in short. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
