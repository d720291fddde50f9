import { remove } from '../../../provision/remove.js';
import { note } from '../../output.js';
import { canceledBySignals } from './canceling.js';
import { waitListener, waitTimeout } from './lock-wait.js';
import { recipesOf } from './recipes.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { DIR, NO_WAIT, RECIPES, TIMEOUT } from './options.js';

export const spec: CommandForm = {
  name: 'setup remove',
  summary: 'Remove every version of a toolchain',
  usage: ['setup remove [OPTIONS] RECIPE...'],
  description: [
    'Waits for an install that is going on. Leaves the lock file, and every directory that is not ours.',
  ],
  options: [DIR, NO_WAIT, TIMEOUT],
  positionals: [RECIPES],
  examples: [{ command: 'holdfast setup remove llama.cpp', help: 'Free the space' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const recipes = await recipesOf(args);
  const timeout = await waitTimeout(args);
  const dir = args.text('dir');
  return canceledBySignals(async (cancel) => {
    for (const recipe of recipes) {
      const { wasInstalled, installDir } = await remove(recipe, {
        ...timeout.options,
        signal: cancel.signal,
        onWait: waitListener(recipe.name, timeout),
        ...(dir !== undefined && { dir }),
      });
      note(
        `holdfast: ${wasInstalled ? 'removed' : 'nothing to remove of'} ${recipe.name} in "${installDir}"`,
      );
    }
    return 0;
  });
}
