import { BUILT_IN_RECIPES } from '../../../provision/built-in-recipes.js';
import { status } from '../../../provision/status.js';
import { printJson } from '../../envelope.js';
import { print } from '../../print.js';
import { padEnd } from '../../render/text.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
  name: 'setup list',
  summary: 'List the built-in recipes and what is installed of them',
  usage: ['setup list [OPTIONS]'],
  options: [JSON_OPTION],
  examples: [{ command: 'holdfast setup list', help: 'What there is' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const rows: { name: string; description: string; state: string; installDir: string | undefined }[] = [];
  for (const recipe of BUILT_IN_RECIPES) {
    const { state, installDir } = await status(recipe);
    rows.push({ name: recipe.name, description: recipe.description ?? '', state, installDir });
  }
  if (args.has('json')) {
    return printJson(args, { recipes: rows });
  }
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.flatMap(({ name, description, state, installDir }) => [
    `${padEnd(name, width)}  ${padEnd(state, 9)}  ${installDir ?? ''}`,
    `${' '.repeat(width)}  ${description}`,
  ]);
  print(...lines);
  return 0;
}
