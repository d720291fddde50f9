import { remove } from '../../../provision/remove.js';
import { SignalCancel } from '../../cancel.js';
import { note } from '../../output.js';
import { reportError } from '../../render/error.js';
import { canceledExitCode, waitListener, waitTimeout } from './lock-wait.js';
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
  const cancel = new SignalCancel();
  cancel.arm();
  try {
    for (const recipe of recipes) {
      const { wasInstalled, installDir } = await remove(recipe, {
        ...timeout,
        signal: cancel.signal,
        onWait: waitListener(recipe.name, timeout),
        ...(dir !== undefined && { dir }),
      });
      note(
        `holdfast: ${wasInstalled ? 'removed' : 'nothing to remove of'} ${recipe.name} in "${installDir}"`,
      );
    }
    return 0;
  } catch (error) {
    const exitCode = canceledExitCode(error, cancel);
    if (exitCode === undefined) throw error;
    reportError(error);
    return exitCode;
  } finally {
    cancel.disarm();
  }
}
