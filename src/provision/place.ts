import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { LockError } from '../core/errors.js';
import { errnoOf } from '../core/system-error.js';
import { homeDirectory } from '../platform/user-directories.js';
import { installError } from './errors.js';
import { installDirOfVersion, layoutOf, type Layout } from './layout.js';
import { variablePrefix, type Recipe } from './recipe.js';
import { describeMissing, searchArtifacts, type FoundArtifact } from './verify.js';
import { currentVersion } from './versions.js';

/** Where a toolchain is or will be. */
export type Place =
  | { readonly kind: 'managed'; readonly layout: Layout; readonly chosenBy: string }
  /** The user's own, complete: nothing is installed, locked or checked beyond that. */
  | {
      readonly kind: 'provided';
      readonly dir: string | undefined;
      readonly found: readonly FoundArtifact[];
      readonly chosenBy: string;
    };

/** `$XDG_DATA_HOME/holdfast`, on Windows `%LOCALAPPDATA%\holdfast`. Not a cache: shells point into it. */
export function defaultRoot(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(homeOf(env), 'AppData', 'Local'), 'holdfast');
  }
  const dataHome = env['XDG_DATA_HOME'];
  return join(
    dataHome === undefined || dataHome === '' ? join(homeOf(env), '.local', 'share') : dataHome,
    'holdfast',
  );
}

/** @throws LockError HOLDFAST_CONFIG_MISMATCH for a user without a home directory. */
function homeOf(env: NodeJS.ProcessEnv): string {
  const home = homeDirectory(env);
  if (home !== undefined) return home;
  throw new LockError(
    'Could not find a place for toolchains: this user has no home directory. Set HOME or XDG_DATA_HOME, or name a directory with --dir.',
    { code: 'HOLDFAST_CONFIG_MISMATCH' },
  );
}

/**
 * `dir` (the option) before `{NAME}_LIBDIR` and `{NAME}_DIR`, before the default. A variable that our own exports
 * have set names no toolchain of the user's: it leads back to the install directory.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when a variable names something without the artifacts that is no place
 *   for an install either.
 */
export async function placeOf(
  recipe: Recipe,
  dir: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Place> {
  const managed = (path: string, chosenBy: string): Place => ({
    kind: 'managed',
    layout: layoutOf(path),
    chosenBy,
  });
  if (dir !== undefined) return managed(dir, '--dir');
  const prefix = variablePrefix(recipe.name);
  const ownDir = pathIn(env, `${prefix}_DIR`);
  const ownLibDir = pathIn(env, `${prefix}_LIBDIR`);
  if (ownLibDir !== undefined && installDirOfVersion(ownLibDir) === undefined) {
    const isOurs = ownDir !== undefined && installDirOfVersion(ownDir) !== undefined;
    return provided(recipe, isOurs ? undefined : ownDir, [ownLibDir], `${prefix}_LIBDIR`);
  }
  if (ownDir === undefined) return managed(join(defaultRoot(env), recipe.name), 'default');
  const installDir = installDirOfVersion(ownDir);
  if (installDir !== undefined) return managed(installDir, `${prefix}_DIR`);
  if (await isFree(ownDir)) return managed(ownDir, `${prefix}_DIR`);
  return provided(
    recipe,
    ownDir,
    recipe.search.map((path) => join(ownDir, path)),
    `${prefix}_DIR`,
  );
}

function pathIn(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const value = env[variable];
  return value === undefined || value === '' ? undefined : resolve(value);
}

/** Nothing is there, or nothing but what we put there. */
async function isFree(path: string): Promise<boolean> {
  if ((await currentVersion(layoutOf(path))) !== undefined) return true;
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

async function provided(
  recipe: Recipe,
  dir: string | undefined,
  directories: readonly string[],
  variable: string,
): Promise<Place> {
  const { found, missing } = await searchArtifacts(recipe, directories);
  if (missing.length === 0) return { kind: 'provided', dir, found, chosenBy: variable };
  throw installError(
    'HOLDFAST_CONFIG_MISMATCH',
    recipe.name,
    `${variable} names a toolchain of yours, but ${describeMissing(missing, directories)}`,
    `Build it, unset ${variable}, or choose a place with --dir`,
  );
}
