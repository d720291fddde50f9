import { emitExports, type Emitter } from '../../provision/emit.js';
import type { Export } from '../../provision/exports.js';
import { install, type InstallOptions } from '../../provision/install.js';
import type { Recipe } from '../../provision/recipe.js';
import { systemClock } from '../../platform/clock.js';
import { SignalCancel } from '../cancel.js';
import { print } from '../output.js';
import { reportError } from '../render/error.js';
import { SetupProgress } from '../render/setup-progress.js';
import { attemptTimeoutMs, canceledExitCode, waitListener, waitTimeout } from '../setup/lock-wait.js';
import { recipesOf } from '../setup/recipes.js';
import type { ParsedArguments } from '../spec.js';
import type { Timeout } from '../timeout.js';
import { UsageError } from '../usage-error.js';

/** stdout gets the exports, all of them at the end: a shell must never evaluate half of them. */
export async function execute(args: ParsedArguments): Promise<number> {
  const recipes = await recipesOf(args);
  const timeout = await waitTimeout(args);
  const emitter = (args.text('emit') ?? (process.platform === 'win32' ? 'pwsh' : 'sh')) as Emitter;
  const cancel = new SignalCancel();
  cancel.arm();
  try {
    const exports: Export[] = [];
    for (const recipe of recipes) exports.push(...(await installOne(recipe, args, timeout, cancel)));
    print(emit(exports, emitter, args));
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

async function installOne(
  recipe: Recipe,
  args: ParsedArguments,
  timeout: Timeout,
  cancel: SignalCancel,
): Promise<readonly Export[]> {
  const progress = new SetupProgress(systemClock, args.has('quiet'));
  const fetchMs = attemptTimeoutMs(args);
  const [dir, ref, repair] = [args.text('dir'), args.text('ref'), args.text('repair')];
  const options: InstallOptions = {
    ...timeout,
    signal: cancel.signal,
    update: args.has('update'),
    offline: args.has('offline'),
    onEvent: progress.onEvent,
    ...(!args.has('quiet') && { onWait: waitListener(recipe.name, timeout) }),
    ...(fetchMs !== undefined && { attemptTimeoutMs: fetchMs }),
    ...(dir !== undefined && { dir }),
    ...(ref !== undefined && { ref }),
    ...(repair !== undefined && { repair: repair as NonNullable<InstallOptions['repair']> }),
  };
  try {
    return (await install(recipe, options)).exports;
  } catch (error) {
    if (error instanceof TypeError && ref !== undefined)
      throw new UsageError(error.message.replace(/\.$/, ''), 'setup');
    throw error;
  } finally {
    progress.end();
  }
}

function emit(exports: readonly Export[], emitter: Emitter, args: ParsedArguments): string {
  try {
    return emitExports(exports, emitter);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message.replace(/\.$/, ''), args.command.name);
  }
}
