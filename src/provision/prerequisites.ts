import type { Clock } from '../core/time.js';
import { errnoOf } from '../core/system-error.js';
import { execFile } from '../process/exec.js';
import { installError } from './errors.js';
import type { Prerequisite, Recipe } from './recipe.js';

const VERSION_TIMEOUT_MS = 20_000;

/** @throws LockError HOLDFAST_UNSUPPORTED naming the first program that is missing or too old. */
export async function checkPrerequisites(
  recipe: Recipe,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const prerequisite of recipe.prerequisites ?? []) {
    const fact = await shortcomingOf(prerequisite, env, clock, signal);
    if (fact === undefined) continue;
    const hint = prerequisite.hint ?? `Install ${prerequisite.commands[0]}`;
    throw installError('HOLDFAST_UNSUPPORTED', recipe.name, fact, hint);
  }
}

async function shortcomingOf(
  { commands, minimumVersion, versionArguments = ['--version'] }: Prerequisite,
  env: NodeJS.ProcessEnv,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let tooOld: string | undefined;
  for (const command of commands) {
    const output = await versionText(command, versionArguments, env, clock, signal);
    if (output === undefined) continue;
    if (minimumVersion === undefined) return undefined;
    const version = /\d+(?:\.\d+)+/.exec(output)?.[0];
    if (version !== undefined && compareVersions(version, minimumVersion) >= 0) return undefined;
    tooOld ??= `it needs ${command} ${minimumVersion} or newer, found ${version ?? 'one that prints no version'}`;
  }
  return tooOld ?? `it needs ${commands.join(' or ')}, which is not on the PATH`;
}

/** What the command says about itself; undefined when there is no such command. */
async function versionText(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const options = { env: { ...env, LC_ALL: 'C' }, timeoutMs: VERSION_TIMEOUT_MS, clock };
    const { stdout, stderr } = await execFile(command, args, { ...options, ...(signal && { signal }) });
    return `${stdout}\n${stderr}`;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Negative, zero or positive, as `a` is older than, equal to or newer than `b`. `3.9` is older than `3.14`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
