import { status } from '../../provision/status.js';
import { EXIT } from '../exit-codes.js';
import { note, print } from '../output.js';
import { recipesOf } from '../setup/recipes.js';
import type { ParsedArguments } from '../spec.js';

export async function execute(args: ParsedArguments): Promise<number> {
  const [recipe] = await recipesOf(args);
  if (recipe === undefined) return EXIT.usage;
  const dir = args.text('dir');
  const { state, installDir, fault, ...found } = await status(recipe, dir === undefined ? {} : { dir });
  const path = args.has('libdir') ? found.libDirs[0] : found.dir;
  if ((state === 'installed' || state === 'provided') && path !== undefined) {
    print(path);
    return 0;
  }
  const fact = fault ?? `nothing is installed in "${installDir}"`;
  note(`holdfast: Could not find "${recipe.name}": ${fact}. Run "holdfast setup ${recipe.name}".`);
  return EXIT.unavailable;
}
