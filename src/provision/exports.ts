import { defaultExports, fillIn, forPlatform, recipePlatform, type Recipe } from './recipe.js';

/** One variable for the caller's shell. With `prepend`, `values` go before what the search path has already. */
export interface Export {
  readonly variable: string;
  readonly values: readonly string[];
  readonly prepend: boolean;
}

/**
 * What the recipe exports for the tree at `dir` (undefined when only its libraries are known) with its libraries in
 * `libDirs`. What needs something unknown is left out.
 */
export function exportsOf(
  recipe: Recipe,
  dir: string | undefined,
  libDirs: readonly string[],
): readonly Export[] {
  const platform = recipePlatform();
  const exports: Export[] = [];
  for (const { variable, value, prepend = false } of recipe.exports ?? defaultExports(recipe.name)) {
    const name = forPlatform(variable, platform);
    if (name === undefined || (dir === undefined && value.includes('{dir}'))) continue;
    const places = prepend && value.includes('{libdir}') ? libDirs : libDirs.slice(0, 1);
    const values = places.map((libdir) => fillIn(value, { libdir, ...(dir !== undefined && { dir }) }));
    exports.push({ variable: name, values, prepend });
  }
  return exports;
}
