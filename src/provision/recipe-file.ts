import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { errnoOf } from '../core/system-error.js';
import type { Recipe } from './recipe.js';

const CODE = ['.ts', '.mts', '.js', '.mjs'];

/** What can be wrong with a recipe file. Its author's to correct: the command exits as for wrong arguments. */
export class RecipeFileError extends Error {
  /** `RecipeFileError`. */
  override readonly name = 'RecipeFileError';
}

/** Whether a word on the command line means a file and not the name of a built-in recipe. */
export function isRecipeFile(word: string): boolean {
  return word.includes('/') || word.includes('\\') || ['.json', ...CODE].includes(extname(word));
}

/**
 * Reads and checks the recipe in a JSON, TypeScript or JavaScript file. Code is imported, so it runs; the recipe is its
 * default export.
 *
 * @throws RecipeFileError naming each thing that is wrong, unknown keys included.
 */
export async function readRecipeFile(path: string): Promise<Recipe> {
  const file = resolve(path);
  const input = CODE.includes(extname(file)) ? await importDefault(path, file) : await readJson(path, file);
  const { parseRecipe } = await import('./recipe-schema.js');
  const parsed = parseRecipe(input);
  if ('recipe' in parsed) return parsed.recipe;
  throw new RecipeFileError(
    `Could not read the recipe "${path}": ${parsed.issues.join('; ')}. Correct the file.`,
  );
}

async function readJson(path: string, file: string): Promise<unknown> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const fact = `it is not valid JSON (${(cause as Error).message})`;
    throw new RecipeFileError(`Could not read the recipe "${path}": ${fact}. Correct the file.`, { cause });
  }
}

let hasTypeScript = false;

async function importDefault(path: string, file: string): Promise<unknown> {
  await readFile(file).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (file.endsWith('ts') && !hasTypeScript) {
    // Node reads TypeScript by itself from 22.18 on; before that a loader strips the types.
    if (!(process.features as { typescript?: unknown }).typescript)
      register('./typescript-loader.js', import.meta.url);
    hasTypeScript = true;
  }
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return module.default;
  } catch (cause) {
    const fact = `it could not be run (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new RecipeFileError(`Could not read the recipe "${path}": ${fact}. Correct the file.`, { cause });
  }
}

function unreadable(path: string, cause: unknown): RecipeFileError {
  const fact = errnoOf(cause) === 'ENOENT' ? 'there is no such file' : String((cause as Error).message);
  return new RecipeFileError(`Could not read the recipe "${path}": ${fact}. Check the path.`, { cause });
}
