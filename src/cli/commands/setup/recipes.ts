import { dirname, resolve } from 'node:path';

import { BUILT_IN_RECIPES, findRecipe } from '../../../provision/built-in-recipes.js';
import { findInstalledRecipe, listInstalled } from '../../../provision/installed.js';
import { LockFile } from '../../../provision/lock-file.js';
import type { Recipe } from '../../../provision/recipe.js';
import { isRecipeFile, readRecipeFile, RecipeFileError } from '../../../provision/recipe-file.js';
import { note } from '../../output.js';
import type { ParsedArguments } from '../../spec.js';
import { suggestion, UsageError } from '../../usage-error.js';

/** Reserved as names of recipes. */
const SUBCOMMANDS = ['list', 'status', 'path', 'remove'];

/** The recipes that the words name. @throws UsageError for a name or file that is none. */
export async function recipesOf(args: ParsedArguments): Promise<readonly Recipe[]> {
  const command = args.command.name;
  const recipes: Recipe[] = [];
  for (const word of args.positionals) {
    const recipe =
      findRecipe(word) ??
      (isRecipeFile(word) ? await fromFile(word, command) : await findInstalledRecipe(word));
    if (recipe === undefined) {
      const names = (await knownRecipes()).map(({ name }) => name);
      throw new UsageError(
        `Unknown recipe "${word}"${suggestion(word, [...names, ...SUBCOMMANDS])}; there are ${names.join(', ')}, and your own by file`,
        command,
      );
    }
    if (recipes.some(({ name }) => name === recipe.name)) {
      throw new UsageError(`Recipe "${recipe.name}" is named twice`, command);
    }
    recipes.push(recipe);
  }
  if (args.has('dir') && recipes.length > 1) {
    throw new UsageError('--dir names the directory of one recipe, and there are several', command);
  }
  return recipes;
}

async function fromFile(path: string, command: string): Promise<Recipe> {
  try {
    return await readRecipeFile(path);
  } catch (error) {
    if (error instanceof RecipeFileError) throw new UsageError(error.message.replace(/\.$/, ''), command);
    throw error;
  }
}

/** Those that are built in, then those of the user's own that are installed in the default place. */
export async function knownRecipes(): Promise<readonly Recipe[]> {
  const names = (await listInstalled()).map(({ recipe }) => recipe);
  const own = await Promise.all(names.filter((name) => findRecipe(name) === undefined).map(findInstalled));
  return [...BUILT_IN_RECIPES, ...own.filter((recipe) => recipe !== undefined)];
}

const findInstalled = (name: string): Promise<Recipe | undefined> => findInstalledRecipe(name);

/**
 * The lock file that pins `word`: for a recipe file the one beside it, which the first install makes; for a name the nearest
 * one above the working directory, if there is one.
 */
export async function lockFileOf(word: string): Promise<LockFile | undefined> {
  const isName = findRecipe(word) !== undefined || !isRecipeFile(word);
  return isName ? LockFile.find(process.cwd()) : LockFile.read(dirname(resolve(word)));
}

/**
 * A pin is a service to other machines: where it cannot be written, this install is as good. That is said to the user that
 * built (`isOwn`), not to each user of what is installed.
 */
export async function pin(
  lockFile: LockFile | undefined,
  recipe: Recipe,
  { revision, isOwn }: { readonly revision: string; readonly isOwn: boolean },
): Promise<void> {
  try {
    await lockFile?.pin(recipe, revision);
  } catch (error) {
    if (isOwn) note(`holdfast: ${recipe.name}: the revision was not pinned: ${(error as Error).message}`);
  }
}
