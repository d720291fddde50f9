import { listInstalled, type InstalledVersion } from '../../../provision/installed.js';
import { status } from '../../../provision/status.js';
import { printJson } from '../../envelope.js';
import { print } from '../../print.js';
import { knownRecipes } from './recipes.js';
import { padEnd } from '../../render/text.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';

export const spec: CommandForm = {
  name: 'setup list',
  summary: 'List the built-in recipes, your own that are installed, and their state',
  usage: ['setup list [OPTIONS]'],
  description: ['With --all every version that is kept.'],
  options: [{ name: 'all', help: 'Every version that is installed' }, JSON_OPTION],
  examples: [{ command: 'holdfast setup list', help: 'What there is' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  if (args.has('all')) return listAll(args);
  const rows: { name: string; description: string; state: string; installDir: string | undefined }[] = [];
  for (const recipe of await knownRecipes()) {
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

async function listAll(args: ParsedArguments): Promise<number> {
  const toolchains = await listInstalled();
  if (args.has('json')) return printJson(args, { toolchains });
  if (toolchains.length === 0) print('Nothing is installed.');
  for (const { recipe, installDir, versions } of toolchains)
    print(`${recipe}: ${installDir}`, ...versions.map(describe));
  return 0;
}

function describe({ id, isCurrent, revision, builtAt }: InstalledVersion): string {
  return `  ${isCurrent ? '*' : ' '} ${id}  ${revision.slice(0, 12)}  built ${builtAt}`;
}
