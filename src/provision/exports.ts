import { defaultExports, fillIn, forPlatform, recipePlatform, type Recipe } from './recipe.js';

/** One variable for the caller's shell. With `prepend`, `values` go before what the search path has already. */
export interface Export {
  /** Name of the environment variable. */
  readonly variable: string;
  /** Values; several are joined by the platform's path separator. */
  readonly values: readonly string[];
  /** Whether the values go before what the variable has already. */
  readonly prepend: boolean;
}

/** Where the artifacts are, absolute, the best first. */
export interface ArtifactDirs {
  readonly libDirs: readonly string[];
  readonly programDirs: readonly string[];
}

/**
 * What the recipe exports for the tree at `dir` (undefined when only its artifacts are known). What needs something
 * unknown is left out.
 */
export function exportsOf(
  recipe: Recipe,
  dir: string | undefined,
  { libDirs, programDirs }: ArtifactDirs,
): readonly Export[] {
  const platform = recipePlatform();
  const exports: Export[] = [];
  for (const { variable, value, prepend = false } of recipe.exports ?? defaultExports(recipe.name)) {
    const name = forPlatform(variable, platform);
    if (name === undefined || (dir === undefined && value.includes('{dir}'))) continue;
    const isForPrograms = value.includes('{bindir}');
    const all = isForPrograms ? programDirs : libDirs;
    const places = prepend && /\{(?:libdir|bindir)\}/.test(value) ? all : all.slice(0, 1);
    if (isForPrograms && places.length === 0) continue;
    const values = places.map((place) => {
      const known = { libdir: libDirs[0] as string, ...(dir !== undefined && { dir }) };
      return fillIn(value, { ...known, [isForPrograms ? 'bindir' : 'libdir']: place });
    });
    exports.push({ variable: name, values, prepend });
  }
  return exports;
}
