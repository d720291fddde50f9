import { status, type ToolchainStatus } from '../../../provision/status.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { holderJson } from '../../json.js';
import { print } from '../../print.js';
import { holdersInShort } from '../../render/holder.js';
import { knownRecipes, recipesOf } from './recipes.js';
import { systemClock } from '../../../platform/clock.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { DIR, RECIPES } from './options.js';

export const spec: CommandForm = {
  name: 'setup status',
  summary: 'Show what is installed, whether it is whole, and which install is under way',
  usage: ['setup status [OPTIONS] [RECIPE...]'],
  description: ['Exits 0 when every RECIPE named is installed and whole, else 69. Takes no lock.'],
  options: [DIR, JSON_OPTION],
  positionals: [{ ...RECIPES, isOptional: true }],
  examples: [{ command: 'holdfast setup status llama.cpp', help: 'One toolchain' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const isNamed = args.positionals.length > 0;
  const recipes = await (isNamed ? recipesOf(args) : knownRecipes());
  const dir = isNamed ? args.text('dir') : undefined;
  const all: ToolchainStatus[] = [];
  for (const recipe of recipes) all.push(await status(recipe, dir === undefined ? {} : { dir }));
  const isWhole = all.every(({ state }) => state === 'installed' || state === 'provided');
  const exitCode = isWhole || !isNamed ? EXIT.ok : EXIT.unavailable;
  if (args.has('json')) return printJson(args, { toolchains: all.map(toolchainJson) }, exitCode);
  print(...all.flatMap((toolchain, index) => [...(index === 0 ? [] : ['']), ...describe(toolchain)]));
  return exitCode;
}

function toolchainJson({ holders, ...toolchain }: ToolchainStatus): object {
  return { ...toolchain, holders: holders.map(holderJson) };
}

function describe(toolchain: ToolchainStatus): string[] {
  const { recipe, state, fault, installDir, chosenBy, dir, libDirs, revision, ref, builtAt, source } =
    toolchain;
  const holders = holdersInShort(toolchain.holders, new Date(systemClock.wallNow()));
  const rows: [string, string | undefined][] = [
    ['fault', fault],
    ['directory', installDir === undefined ? undefined : `${installDir} (${chosenBy})`],
    ['version', dir],
    ['libraries', libDirs.length === 0 ? undefined : libDirs.join(', ')],
    ['revision', revision === undefined ? undefined : `${revision}${ref === undefined ? '' : ` (${ref})`}`],
    ['source', source],
    ['built', builtAt],
    ['installing', holders],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : `  ${name.padEnd(10)} ${value}`));
  return [`${recipe}: ${state}`, ...lines];
}
