import type { Recipe } from './recipe.js';
import { BITNET_CPP } from './recipes/bitnet-cpp.js';
import { LLAMA_CPP } from './recipes/llama-cpp.js';

/** Recipes that come with this package. */
export const BUILT_IN_RECIPES: readonly Recipe[] = [LLAMA_CPP, BITNET_CPP];

/** The built-in recipe of that name; undefined where there is none. Never throws. */
export function findRecipe(name: string): Recipe | undefined {
  return BUILT_IN_RECIPES.find((recipe) => recipe.name === name);
}
