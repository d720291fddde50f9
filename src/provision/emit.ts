import { delimiter } from 'node:path';

import { checkOptions, OBJECT, TEXT, type OptionRule } from '../core/check-options.js';
import type { Export } from './exports.js';

/** Forms in which exports can be printed. */
export const EMITTERS = [
  'sh',
  'bash',
  'zsh',
  'fish',
  'pwsh',
  'nu',
  'cmd',
  'json',
  'github',
  'dotenv',
] as const;

/** One of {@link EMITTERS}. */
export type Emitter = (typeof EMITTERS)[number];

/** Options of {@link emitExports}. */
export interface EmitOptions {
  /** What separates the elements of a search path. Default this platform's. */
  readonly separator?: string;
  /** Where `json`, `github` and `dotenv` find what a search path has already. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

const EMIT_OPTIONS = { separator: TEXT, env: OBJECT } satisfies Record<keyof EmitOptions, OptionRule>;

/**
 * The exports as text that the shell can evaluate: every value is quoted whole, so it is set to exactly those
 * characters and nothing in it is run. A search path never gets an empty element, which would mean the working directory,
 * and (but in `cmd`) no element twice: evaluated again, the exports change nothing.
 *
 * @throws RangeError for a value that the form cannot carry: a separator inside an element of a search path, NUL
 *   anywhere, quotes and line ends in `cmd`.
 */
export function emitExports(exports: readonly Export[], emitter: Emitter, options: EmitOptions = {}): string {
  checkOptions(options, EMIT_OPTIONS);
  const separator = options.separator ?? delimiter;
  for (const item of exports) assertPlain(item, separator);
  const env = options.env ?? process.env;
  if (emitter === 'json') return `${JSON.stringify(wholeValues(exports, separator, env), undefined, 2)}\n`;
  if (emitter === 'github' || emitter === 'dotenv') {
    const toLine = emitter === 'github' ? github : dotenv;
    return Object.entries(wholeValues(exports, separator, env))
      .map(([name, value]) => toLine(name, value))
      .join('');
  }
  const shell = SHELLS[emitter];
  return exports
    .map(({ variable, values, prepend: isPath }) =>
      isPath
        ? // The first is to be in front at the end.
          values
            .toReversed()
            .map((value) => shell.prepend(variable, value, separator))
            .join('')
        : shell.set(variable, values.join(separator)),
    )
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

interface Shell {
  set(name: string, value: string): string;
  /** Puts `value` in front of the search path, and takes it away elsewhere in it. */
  prepend(name: string, value: string, separator: string): string;
}

/** Nothing is special between single quotes; a single quote itself stands between double ones (also in zsh's RC_QUOTES). */
function posixQuoted(value: string): string {
  return `'${value.replaceAll("'", `'"'"'`)}'`;
}

/** The semicolons let `eval $(...)` without quotes work as far as it can. */
const posix: Shell = {
  set: (name, value) => `export ${name}=${posixQuoted(value)};\n`,
  prepend(name, value, separator) {
    // In a pattern quoted text stands for itself, and an assignment needs no quotes around it.
    const found = `${separator}"$hf_dir"${separator}`;
    return [
      `hf_dir=${posixQuoted(value)};`,
      `hf_path="${separator}\${${name}:-}${separator}";`,
      `while case "$hf_path" in *${found}*) ;; *) false;; esac;`,
      `do hf_path=\${hf_path%%${found}*}${separator}\${hf_path#*${found}}; done;`,
      `hf_path=\${hf_path#${separator}}; hf_path=\${hf_path%${separator}};`,
      `export ${name}="$hf_dir\${hf_path:+${separator}$hf_path}"; unset hf_dir hf_path;\n`,
    ].join(' ');
  },
};

/** Between single quotes fish knows two escapes, \' and \\. Line ends are spelled, because `eval (command)` joins lines. */
function fishQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', "'\\n'").replaceAll('\r', "'\\r'")}'`;
}

const fish: Shell = {
  set: (name, value) => `set -gx ${name} ${fishQuoted(value)};\n`,
  prepend(name, value, separator) {
    const [around, quoted] = [fishQuoted(`${separator}${value}${separator}`), fishQuoted(value)];
    const without = (path: string): string =>
      `(string replace -a -- ${around} '${separator}' ${path} | string collect)`;
    // Twice, because two in a row share a separator. What came by a pipe would be taken line by line.
    const rest = `(string trim -c '${separator}' -- ${without(without(`"${separator}$${name}${separator}"`))} | string collect)`;
    return (
      `set -l hf_path ${rest}; ` +
      `if test -n "$hf_path"; set -gx ${name} ${quoted}'${separator}'"$hf_path"; else; set -gx ${name} ${quoted}; end; ` +
      `set -e hf_path;\n`
    );
  },
};

/** PowerShell takes the typographic single quotes for quotes too. */
function pwshQuoted(value: string): string {
  return `'${value.replaceAll(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
}

const pwsh: Shell = {
  set: (name, value) => `$env:${name} = ${pwshQuoted(value)}\n`,
  prepend(name, value, separator) {
    const quoted = pwshQuoted(value);
    const rest = `@("$env:${name}" -split '${separator}' | Where-Object { $_ -and $_ -cne ${quoted} })`;
    return `$env:${name} = (@(${quoted}) + ${rest}) -join '${separator}'\n`;
  },
};

/** A raw string of nushell: as many # as it takes that none of its ends is inside. */
function nuQuoted(value: string): string {
  let marks = '#';
  while (value.includes(`'${marks}`)) marks += '#';
  return `r${marks}'${value}'${marks}`;
}

const nu: Shell = {
  set: (name, value) => `$env.${name} = ${nuQuoted(value)}\n`,
  prepend(name, value, separator) {
    // PATH is a list in nushell, other search paths are text.
    const before = `($env.${name}? | default [] | if (($in | describe) =~ '^list') { $in } else { split row '${separator}' })`;
    const list = `(${before} | where $it != '' | prepend ${nuQuoted(value)} | uniq)`;
    return name.toUpperCase() === 'PATH'
      ? `$env.${name} = ${list}\n`
      : `$env.${name} = (${list} | str join '${separator}')\n`;
  },
};

/**
 * For a batch file (`call`): `%` is doubled, and between double quotes nothing else is special as long as delayed
 * expansion is off, which it is by default. Windows paths have neither quotes nor line ends.
 */
const cmd: Shell = {
  set: (name, value) => `@set "${name}=${cmdEscaped(name, value)}"\r\n`,
  prepend(name, value, separator) {
    const escaped = cmdEscaped(name, value);
    // `call` doubles carets, and an equals sign ends what is looked for: then the old value stays whole.
    const without = /[%^=]/.test(value)
      ? []
      : [`call set "hf_path=%%hf_path:${separator}${value}${separator}=${separator}%%"`];
    const ifDefined = [
      `set "hf_path=${separator}%${name}%${separator}"`,
      ...without,
      `set "${name}=${escaped}%hf_path:~0,-1%"`,
    ];
    // No block in parentheses: the old value may contain one.
    const lines = [
      ...ifDefined.map((line) => `@if defined ${name} ${line}`),
      `@if not defined ${name} set "${name}=${escaped}"`,
      '@set "hf_path="',
    ];
    return lines.map((line) => `${line}\r\n`).join('');
  },
};

function cmdEscaped(name: string, value: string): string {
  if (/["\r\n]/.test(value)) {
    throw new RangeError(
      `${name} cannot hold ${JSON.stringify(value)} in cmd: no quote or line end can be written.`,
    );
  }
  return value.replaceAll('%', '%%');
}

const SHELLS: Readonly<Record<Exclude<Emitter, 'json' | 'github' | 'dotenv'>, Shell>> = {
  sh: posix,
  bash: posix,
  zsh: posix,
  fish,
  pwsh,
  nu,
  cmd,
};

/** For the file that `$GITHUB_ENV` names. */
function github(name: string, value: string): string {
  if (!/[\r\n]/.test(value)) return `${name}=${value}\n`;
  let end = 'HOLDFAST_END';
  while (value.includes(end)) end += '_';
  return `${name}<<${end}\n${value}\n${end}\n`;
}

/** Double quotes with the one escape that all dotenv readers know; single ones where nothing needs an escape. */
function dotenv(name: string, value: string): string {
  if (!/['\r\n]/.test(value)) return `${name}='${value}'\n`;
  if (/["\\$`\r]/.test(value)) {
    throw new RangeError(
      `${name} cannot hold ${JSON.stringify(value)} in dotenv: its readers differ about escapes. Install elsewhere.`,
    );
  }
  return `${name}="${value.replaceAll('\n', '\\n')}"\n`;
}

/** Variables with their whole values, search paths included. */
function wholeValues(
  exports: readonly Export[],
  separator: string,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const { variable, values, prepend } of exports) {
    const before = prepend ? (variables[variable] ?? env[variable] ?? '').split(separator) : [];
    const rest = before.filter((element) => element !== '' && !values.includes(element));
    variables[variable] = [...values, ...rest].join(separator);
  }
  return variables;
}
