import { rollback } from '../../../provision/rollback.js';
import { printJson } from '../../envelope.js';
import { note } from '../../output.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { canceledBySignals } from './canceling.js';
import { waitListener, waitTimeout } from './lock-wait.js';
import { DIR, NO_WAIT, RECIPES, TIMEOUT } from './options.js';
import { lockFileOf, pin, recipesOf } from './recipes.js';

export const spec: CommandForm = {
  name: 'setup rollback',
  summary: 'Return to the version before the current one',
  usage: ['setup rollback [OPTIONS] RECIPE'],
  description: [
    'Builds nothing, and moves the pin in holdfast-setup.lock. Versions are kept for 7 days after another took their place, and as long as a living process names them; "setup list --all" shows them. "setup RECIPE --update" builds the newest again.',
    'Exits 78 when there is no such version, 70 when it is damaged.',
  ],
  options: [
    { name: 'to', value: 'ID', help: 'Return to this version', default: 'the one that was replaced last' },
    DIR,
    NO_WAIT,
    TIMEOUT,
    JSON_OPTION,
  ],
  positionals: [{ ...RECIPES, isRepeatable: false }],
  examples: [{ command: 'holdfast setup rollback llama.cpp', help: 'After an update that does not work' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [recipe] = await recipesOf(args);
  if (recipe === undefined) return 64;
  const timeout = await waitTimeout(args);
  const [dir, to] = [args.text('dir'), args.text('to')];
  return canceledBySignals(async (cancel) => {
    const result = await rollback(recipe, {
      ...timeout.options,
      signal: cancel.signal,
      onWait: waitListener(recipe.name, timeout),
      ...(dir !== undefined && { dir }),
      ...(to !== undefined && { to }),
    });
    const lockFile = await lockFileOf(args.positionals[0] as string);
    if (lockFile?.pinOf(recipe) !== undefined)
      await pin(lockFile, recipe, { revision: result.revision, isOwn: true });
    if (args.has('json')) return printJson(args, result);
    note(`holdfast: ${recipe.name}: back to version ${result.to}, from ${result.from}: ${result.dir}`);
    return 0;
  });
}
