import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { layoutOf, versionDir } from './layout.js';
import { defaultRoot } from './place.js';
import type { Recipe } from './recipe.js';
import { readStamp } from './stamp.js';
import { currentVersion, listVersions } from './versions.js';

/** One version of a toolchain. */
export interface InstalledVersion {
  /** Name of its directory. */
  readonly id: string;
  /** Whether it is the one in use. */
  readonly isCurrent: boolean;
  /** The version's own directory. */
  readonly dir: string;
  /** Commit or digest that it was built from. */
  readonly revision: string;
  /** Wall clock, ISO 8601. */
  readonly builtAt: string;
}

/** A toolchain in the default place. */
export interface InstalledToolchain {
  /** Name of its recipe. */
  readonly recipe: string;
  /** Its directory, absolute. */
  readonly installDir: string;
  /** The newest first. */
  readonly versions: readonly InstalledVersion[];
}

/**
 * Every toolchain in the default place, whichever recipe made it, with the versions that are kept. Acquires no lock.
 * What cannot be read is left out; never throws.
 */
export async function listInstalled(
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly InstalledToolchain[]> {
  const root = defaultRoot(env);
  const names = await readdir(root).catch((): string[] => []);
  const toolchains: InstalledToolchain[] = [];
  for (const entry of names.toSorted()) {
    if (!entry.endsWith('.versions')) continue;
    const name = entry.slice(0, -'.versions'.length);
    const versions = await versionsAt(join(root, name));
    if (versions.length > 0) toolchains.push({ recipe: name, installDir: join(root, name), versions });
  }
  return toolchains;
}

async function versionsAt(installDir: string): Promise<readonly InstalledVersion[]> {
  const layout = layoutOf(installDir);
  const current = await currentVersion(layout);
  const versions: InstalledVersion[] = [];
  for (const id of (await listVersions(layout)).toSorted().toReversed()) {
    const dir = versionDir(layout, id);
    const stamp = await readStamp(dir);
    if (stamp === undefined) continue;
    const { revision, builtAt } = stamp;
    versions.push({ id, isCurrent: id === current?.id, dir, revision, builtAt });
  }
  return versions;
}

/**
 * The recipe that the toolchain of that name in the default place was made from; undefined when there is none
 * or it cannot be read. Never throws.
 */
export async function findInstalledRecipe(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Recipe | undefined> {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) return undefined;
  const current = await currentVersion(layoutOf(join(defaultRoot(env), name)));
  if (current?.stamp === undefined) return undefined;
  const { parseRecipe } = await import('./recipe-schema.js');
  const parsed = parseRecipe(current.stamp.definition);
  return 'recipe' in parsed && parsed.recipe.name === name ? parsed.recipe : undefined;
}
