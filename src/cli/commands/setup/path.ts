import { status } from '../../../provision/status.js';
import { EXIT } from '../../exit-codes.js';
import { note, printPayload } from '../../output.js';
import { recipesOf } from './recipes.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { DIR, RECIPES } from './options.js';

export const spec: CommandForm = {
  name: 'setup path',
  summary: "Print the current version's own directory",
  usage: ['setup path [OPTIONS] RECIPE'],
  description: ['Exits 69 when it is not installed. The directory stays when another version is installed.'],
  options: [DIR, { name: 'libdir', help: 'Print the directory of its libraries instead' }],
  positionals: [{ ...RECIPES, isRepeatable: false }],
  examples: [{ command: 'ls "$(holdfast setup path llama.cpp)"', help: 'Look into it' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [recipe] = await recipesOf(args);
  if (recipe === undefined) return EXIT.usage;
  const dir = args.text('dir');
  const { state, installDir, fault, ...found } = await status(recipe, dir === undefined ? {} : { dir });
  const path = args.has('libdir') ? found.libDirs[0] : found.dir;
  if ((state === 'installed' || state === 'provided') && path !== undefined) {
    printPayload(`${path}\n`);
    return 0;
  }
  const fact = fault ?? `nothing is installed in "${installDir}"`;
  note(`holdfast: Could not find "${recipe.name}": ${fact}. Run "holdfast setup ${recipe.name}".`);
  return EXIT.unavailable;
}
