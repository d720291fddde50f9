import { readFileSync } from 'node:fs';

import * as v from 'valibot';

import { parseDuration } from '../core/duration.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { suggestion, UsageError } from './usage-error.js';

const duration = v.pipe(
  v.union([v.string(), v.number()], 'a duration such as "30s" or a number of seconds'),
  v.transform(String),
  v.check(isDuration, 'a duration such as 1500ms, 5s, 2.5 (seconds), 10m or infinite'),
  v.transform(parseDuration),
);

/** Keys in the order in which the documentation has them. Durations become milliseconds. */
const CONFIG = v.strictObject({
  $schema: v.optional(v.string()),
  /** `run`, `wait`. */
  lockTimeout: v.optional(duration),
  cache: v.optional(v.strictObject({ timeout: v.optional(duration) })),
  setup: v.optional(v.strictObject({ timeout: v.optional(duration) })),
  claims: v.optional(v.strictObject({ timeout: v.optional(duration) })),
});

export type Config = v.InferOutput<typeof CONFIG>;

/**
 * Reads and checks the configuration at `path`.
 *
 * @throws UsageError naming the file, the key and what is wrong with it; LockError when the file cannot be read.
 */
export function readConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('read', path, errno, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`"${path}" is not JSON: ${(error as Error).message}`);
  }
  // Not the schema's business: to it an array is an object without those keys.
  if (Array.isArray(value)) throw new UsageError(`"${path}": it must hold a JSON object`);
  const result = v.safeParse(CONFIG, value);
  if (result.success) return result.output;
  throw new UsageError(`"${path}": ${describeIssue(result.issues[0])}`);
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const key = v.getDotPath(issue);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return `unknown key "${key}"${suggestion(lastWord(key ?? ''), knownKeys(key ?? ''))}`;
  }
  if (key === null) return 'it must hold a JSON object';
  return `${key} must be ${issue.kind === 'schema' && issue.type !== 'union' ? expected(issue) : issue.message}, not ${JSON.stringify(issue.input)}`;
}

function expected(issue: v.BaseIssue<unknown>): string {
  return issue.expected === 'Object' ? 'an object' : `a ${issue.expected ?? 'different value'}`;
}

function lastWord(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

function knownKeys(key: string): string[] {
  if (!key.includes('.')) return Object.keys(CONFIG.entries);
  const section = CONFIG.entries[key.split('.', 1)[0] as 'cache'];
  return Object.keys(section.wrapped.entries);
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}
