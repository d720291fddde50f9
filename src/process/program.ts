import { statSync } from 'node:fs';
import { win32 } from 'node:path';

/** What to hand to `spawn` for a command. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  /** The arguments are quoted already (Windows). */
  readonly windowsVerbatimArguments?: boolean;
}

export interface ProgramSearch {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly platform?: NodeJS.Platform;
  readonly isFile?: (path: string) => boolean;
}

/**
 * The program that `command` means. Elsewhere than on Windows the system's own search is right. Windows looks into the
 * current directory first, where a hostile checkout may have a `git.exe`: there a bare name is looked up on PATH only,
 * with the extensions of PATHEXT, and a batch file is run by cmd.exe with arguments that it cannot take for commands.
 *
 * @throws Error with code EINVAL for an argument of a batch file that has a line end or a NUL.
 */
export function resolveProgram(
  command: string,
  args: readonly string[],
  { env, cwd, platform = process.platform, isFile = isRegularFile }: ProgramSearch,
): Program {
  if (platform !== 'win32') return { file: command, args };
  const file = findProgram(command, { env, cwd, isFile });
  if (!/\.(?:cmd|bat)$/i.test(file)) return { file, args };
  const line = [`"${file}"`, ...args.map(quoteForBatch)].join(' ');
  return {
    file: systemProgram('cmd.exe', env),
    args: ['/e:ON', '/v:OFF', '/d', '/c', `"${line}"`],
    windowsVerbatimArguments: true,
  };
}

/** A program of Windows itself, by its path. */
export function systemProgram(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return win32.join(variable(env, 'SystemRoot') ?? 'C:\\Windows', 'System32', name);
}

function findProgram(
  command: string,
  { env, cwd, isFile }: Required<Pick<ProgramSearch, 'env' | 'isFile'>> & Pick<ProgramSearch, 'cwd'>,
): string {
  const names = withExtensions(command, env);
  if (/[\\/]|^[a-z]:/i.test(command)) {
    const paths = names.map((name) => win32.resolve(cwd ?? process.cwd(), name));
    return paths.find(isFile) ?? command;
  }
  // A relative entry of PATH means the current directory, or one below it.
  const directories = (variable(env, 'PATH') ?? '').split(';').filter((entry) => win32.isAbsolute(entry));
  const candidates = directories.flatMap((directory) => names.map((name) => win32.join(directory, name)));
  // Where there is none, a path at which there is none either: `spawn` then reports ENOENT.
  return candidates.find(isFile) ?? systemProgram(command, env);
}

function withExtensions(command: string, env: NodeJS.ProcessEnv): string[] {
  const extensions = (variable(env, 'PATHEXT') ?? '.COM;.EXE;.BAT;.CMD').split(';').filter(Boolean);
  return win32.extname(command) === ''
    ? extensions.map((extension) => command + extension.toLowerCase())
    : [command, ...extensions.map((extension) => command + extension.toLowerCase())];
}

/** Names of variables have no case on Windows, while a copied environment is an ordinary object. */
function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const key = Object.keys(env).find((known) => known.toUpperCase() === name.toUpperCase());
  return key === undefined ? undefined : env[key];
}

/** Characters that cmd.exe and the C library both take for themselves. */
const PLAIN = /^[\w#$*+\-./:?@\\]*[\w#$*+\-./:?@]$/;

/**
 * As Rust's standard library does since CVE-2024-24576: quotes are doubled, since cmd.exe knows no backslash before one,
 * and a percent sign is broken up, since variables are expanded within quotes as well.
 */
function quoteForBatch(arg: string): string {
  if (/[\0\r\n]/.test(arg)) {
    throw Object.assign(new Error('an argument of a batch file has a line end or a NUL'), { code: 'EINVAL' });
  }
  if (PLAIN.test(arg)) return arg;
  const escaped = arg
    .replace(/(\\*)"/g, '$1$1""')
    .replace(/%/g, '%%cd:~,%')
    .replace(/\\+$/, '$&$&');
  return `"${escaped}"`;
}

function isRegularFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
