import { delimiter } from 'node:path';

import type { Export } from './exports.js';

/** Forms in which exports can be printed. */
export const EMITTERS = ['sh', 'bash', 'zsh', 'fish', 'pwsh', 'cmd', 'json'] as const;

export type Emitter = (typeof EMITTERS)[number];

export interface EmitOptions {
  /** What separates the elements of a search path. Default this platform's. */
  readonly separator?: string;
  /** Where `json` finds what a search path has already. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The exports as text that the shell can evaluate: every value is quoted whole, so it is set to exactly those
 * characters and nothing in it is run. A search path never gets an empty element, which would mean the working directory.
 *
 * @throws RangeError for a value that the form cannot carry: a separator inside an element of a search path, NUL
 *   anywhere, quotes and line ends in `cmd`.
 */
export function emitExports(exports: readonly Export[], emitter: Emitter, options: EmitOptions = {}): string {
  const separator = options.separator ?? delimiter;
  for (const item of exports) assertPlain(item, separator);
  if (emitter === 'json') return json(exports, separator, options.env ?? process.env);
  const toLines = LINES[emitter];
  return exports
    .map((item) => toLines(item.variable, item.values.join(separator), item.prepend, separator))
    .join('');
}

function assertPlain({ variable, values, prepend }: Export, separator: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
    throw new RangeError(`"${variable}" is no name of a variable.`);
  for (const value of values) {
    if (value.includes('\0')) throw new RangeError(`${variable} cannot carry a NUL byte.`);
    if (prepend && value.includes(separator)) {
      throw new RangeError(
        `${variable} cannot hold ${JSON.stringify(value)}: "${separator}" separates its elements. Install elsewhere.`,
      );
    }
  }
}

type Lines = (name: string, value: string, prepend: boolean, separator: string) => string;

const LINES: Readonly<Record<Exclude<Emitter, 'json'>, Lines>> = {
  sh: posix,
  bash: posix,
  zsh: posix,
  fish,
  pwsh,
  cmd,
};

/** The semicolons let `eval $(...)` without quotes work as far as it can. */
function posix(name: string, value: string, prepend: boolean, separator: string): string {
  // Nothing is special between single quotes; a single quote itself stands between double ones (also in zsh's RC_QUOTES).
  const quoted = `'${value.replaceAll("'", `'"'"'`)}'`;
  return `export ${name}=${quoted}${prepend ? `"\${${name}:+${separator}$${name}}"` : ''};\n`;
}

/**
 * Line ends are spelled `\n`, because `eval (command)` joins the lines of a command with spaces. Between single quotes
 * fish knows two escapes, \' and \\.
 */
function fish(name: string, value: string, prepend: boolean, separator: string): string {
  const quoted = `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', "'\\n'").replaceAll('\r', "'\\r'")}'`;
  const set = (rest: string): string => `set -gx ${name} ${quoted}${rest};`;
  // An empty list in an unquoted place would make the whole word vanish, hence the two branches.
  if (prepend) return `if test -n "$${name}"; ${set(`'${separator}'"$${name}"`)} else; ${set('')} end;\n`;
  return `${set('')}\n`;
}

/** PowerShell takes the typographic single quotes for quotes too. */
function pwsh(name: string, value: string, prepend: boolean, separator: string): string {
  const quoted = `'${value.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
  const rest = prepend ? ` + $(if ($env:${name}) { '${separator}' + $env:${name} })` : '';
  return `$env:${name} = ${quoted}${rest}\n`;
}

/**
 * For a batch file (`call`): `%` is doubled, and between double quotes nothing else is special as long as delayed
 * expansion is off, which it is by default. Windows paths have neither quotes nor line ends.
 */
function cmd(name: string, value: string, prepend: boolean, separator: string): string {
  if (/["\r\n]/.test(value)) {
    throw new RangeError(
      `${name} cannot hold ${JSON.stringify(value)} in cmd: no quote or line end can be written.`,
    );
  }
  const escaped = value.replaceAll('%', '%%');
  if (!prepend) return `@set "${name}=${escaped}"\r\n`;
  // No block in parentheses: the old value may contain one.
  const lines = [
    `@if defined ${name} set "${name}=${escaped}${separator}%${name}%"`,
    `@if not defined ${name} set "${name}=${escaped}"`,
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** An object of variables with their whole values. */
function json(exports: readonly Export[], separator: string, env: NodeJS.ProcessEnv): string {
  const variables: Record<string, string> = {};
  for (const { variable, values, prepend } of exports) {
    const before = variables[variable] ?? env[variable];
    const rest = prepend && before !== undefined && before !== '' ? [before] : [];
    variables[variable] = [...values, ...rest].join(separator);
  }
  return `${JSON.stringify(variables, undefined, 2)}\n`;
}
