import { BUILT_IN_RECIPES, findRecipe } from '../../../provision/built-in-recipes.js';
import type { Recipe } from '../../../provision/recipe.js';
import { isRecipeFile, readRecipeFile, RecipeFileError } from '../../../provision/recipe-file.js';
import type { ParsedArguments } from '../../spec.js';
import { suggestion, UsageError } from '../../usage-error.js';

/** Reserved as names of recipes. */
const SUBCOMMANDS = ['list', 'status', 'path', 'remove'];

/** The recipes that the words name. @throws UsageError for a name or file that is none. */
export async function recipesOf(args: ParsedArguments): Promise<readonly Recipe[]> {
  const command = args.command.name;
  const recipes: Recipe[] = [];
  for (const word of args.positionals) {
    const recipe = findRecipe(word) ?? (isRecipeFile(word) ? await fromFile(word, command) : undefined);
    if (recipe === undefined) {
      const names = BUILT_IN_RECIPES.map(({ name }) => name);
      throw new UsageError(
        `Unknown recipe "${word}"${suggestion(word, [...names, ...SUBCOMMANDS])}; there are ${names.join(' and ')}`,
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
