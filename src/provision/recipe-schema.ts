import * as v from 'valibot';

import { RESERVED_RECIPE_NAMES, type Recipe } from './recipe.js';

const line = v.pipe(v.string(), v.nonEmpty('is empty'), v.regex(/^[^\0\r\n]*$/, 'must be one line'));
const text = v.pipe(v.string(), v.regex(/^[^\0]*$/, 'contains a NUL byte'));
const relativePath = v.pipe(
  line,
  v.check(
    (path) => !/^(?:[/\\]|[A-Za-z]:)/.test(path) && !path.split(/[/\\]/).includes('..'),
    'must stay inside the tree',
  ),
);
const variable = v.pipe(line, v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'));
const count = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must not be negative'));
const duration = v.pipe(v.number(), v.minValue(1, 'must be positive'));
/** git and tar read what begins with a dash as an option. */
const argument = v.pipe(line, v.regex(/^[^-]/, 'must not begin with a dash'));

function perPlatform<T extends v.GenericSchema>(value: T) {
  const table = v.strictObject({
    linux: v.exactOptional(value),
    darwin: v.exactOptional(value),
    win32: v.exactOptional(value),
  });
  return v.union([value, table], 'must be one value, or one each for linux, darwin and win32');
}

const git = v.strictObject({
  git: argument,
  ref: v.exactOptional(argument),
  submodules: v.exactOptional(v.boolean()),
  shallow: v.exactOptional(v.boolean()),
  timeoutMs: v.exactOptional(duration),
});

const webAddress = v.pipe(line, v.regex(/^https?:\/\//, 'must be an http or https URL'));

const archive = v.strictObject({
  archive: webAddress,
  mirrors: v.exactOptional(v.array(webAddress)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits')),
  stripComponents: v.exactOptional(count),
  timeoutMs: v.exactOptional(duration),
});

const prerequisite = v.strictObject({
  commands: v.pipe(v.array(argument), v.minLength(1, 'is empty')),
  versionArguments: v.exactOptional(v.array(text)),
  minimumVersion: v.exactOptional(v.pipe(v.string(), v.regex(/^\d+(?:\.\d+)*$/, 'must look like 3.14'))),
  hint: v.exactOptional(line),
});

const step = v.strictObject({
  name: line,
  command: line,
  arguments: v.exactOptional(v.array(text)),
  cwd: v.exactOptional(relativePath),
  env: v.exactOptional(v.record(variable, text)),
  timeoutMs: v.exactOptional(duration),
});

const recipe = v.strictObject({
  $schema: v.exactOptional(v.string()),
  name: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9][a-z0-9._-]*$/, 'must match [a-z0-9][a-z0-9._-]*'),
    v.check((name) => !RESERVED_RECIPE_NAMES.includes(name), 'is the name of a subcommand'),
  ),
  description: v.exactOptional(line),
  source: v.lazy((input) =>
    typeof input === 'object' && input !== null && 'archive' in input ? archive : git,
  ),
  prerequisites: v.exactOptional(v.array(prerequisite)),
  steps: v.array(step),
  environment: v.exactOptional(v.array(variable)),
  artifacts: v.pipe(
    v.array(
      v.strictObject({
        name: line,
        files: perPlatform(v.pipe(v.array(relativePath), v.minLength(1, 'is empty'))),
      }),
    ),
    v.minLength(1, 'is empty: nothing would prove a finished build'),
  ),
  search: v.pipe(v.array(relativePath), v.minLength(1, 'is empty')),
  exports: v.exactOptional(
    v.array(
      v.strictObject({ variable: perPlatform(variable), value: text, prepend: v.exactOptional(v.boolean()) }),
    ),
  ),
  diskSpaceBytes: v.exactOptional(count),
});

/**
 * The recipe in `input`, whatever its origin; or what is wrong with it, each as `path: fact`, unknown keys by name.
 * Unknown keys are errors: a misspelled one would silently be left out.
 */
export function parseRecipe(input: unknown): { recipe: Recipe } | { issues: readonly string[] } {
  const result = v.safeParse(recipe, input);
  if (result.success) {
    const { $schema: _, ...parsed } = result.output;
    return { recipe: parsed as Recipe };
  }
  return { issues: result.issues.map(describe) };
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? '';
  if (issue.type === 'strict_object' && issue.expected === 'never') return `unknown key "${path}"`;
  const where = path === '' ? 'the recipe' : `"${path}"`;
  if (issue.input === undefined) return `${where} is missing`;
  if (issue.kind !== 'schema' || issue.type === 'union') return `${where} ${issue.message}`;
  return `${where} must be ${issue.expected ?? 'something else'}, not ${issue.received}`;
}
