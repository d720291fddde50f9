import type { Timeout } from '../../../core/timeout.js';
import { LockError } from '../../../core/errors.js';
import { EMITTERS, emitExports, type Emitter } from '../../../provision/emit.js';
import type { Export } from '../../../provision/exports.js';
import { install } from '../../../provision/install.js';
import type { InstallOptions } from '../../../provision/install-options.js';
import { LOCK_FILE_NAME, type LockFile } from '../../../provision/lock-file.js';
import { isGitSource, type Recipe } from '../../../provision/recipe.js';
import { systemClock } from '../../../platform/clock.js';
import type { SignalCancel } from '../../cancel.js';
import { printPayload } from '../../output.js';
import { SetupProgress } from './progress.js';
import { canceledBySignals } from './canceling.js';
import { attemptTimeoutMs, waitListener, waitTimeout } from './lock-wait.js';
import { lockFileOf, pin, recipesOf } from './recipes.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { DIR, NO_WAIT, RECIPES, TIMEOUT } from './options.js';

export const spec: CommandForm = {
  name: 'setup',
  summary: 'Install a toolchain once, however many ask, and print its exports',
  usage: ['setup [OPTIONS] RECIPE...'],
  description: [
    'Gets, builds and checks each RECIPE unless that is done already, and prints on stdout what a shell needs to use it. One call builds; the others wait and take the result. What is installed and whole is printed at once, also while an update goes on. Everything but the exports goes to stderr, and stdout stays empty when anything fails.',
    'The revision that a recipe file was installed from is pinned in holdfast-setup.lock beside it: other machines install the same one until --update.',
    'A recipe NAME (llama.cpp: LLAMA_CPP) is installed where {NAME}_DIR says; a finished toolchain of your own, named by {NAME}_DIR or {NAME}_LIBDIR, is used as it is.',
    'Exit codes: 20 network, 64 unknown recipe or shell, 70 a build step failed, 74 disk full, 75 another install is going on, 78 a prerequisite is missing.',
  ],
  options: [
    {
      name: 'emit',
      value: 'SHELL',
      choices: EMITTERS,
      help: 'Form of the exports',
      default: 'sh; pwsh on Windows',
    },
    DIR,
    { name: 'ref', value: 'REF', help: "Branch, tag or commit, instead of the recipe's own" },
    { name: 'update', help: 'Build again when the remote has moved, and pin its new revision' },
    { name: 'locked', help: 'Install the revision in holdfast-setup.lock, or fail; for CI' },
    {
      name: 'repair',
      value: 'WHEN',
      choices: ['auto', 'never', 'always'],
      help: 'Build again when the install is damaged, not even then, or in any case',
      default: 'auto',
    },
    NO_WAIT,
    { name: 'offline', help: 'Use no network: what is installed must do' },
    TIMEOUT,
    { name: 'quiet', short: ['q'], help: 'Say nothing about progress and waiting' },
  ],
  positionals: [RECIPES],
  examples: [
    {
      command: 'eval "$(holdfast setup llama.cpp --emit=sh)"',
      help: 'Install if need be, and use it in this shell',
    },
    { command: 'holdfast setup llama.cpp --emit=fish | source', help: 'The same in fish' },
    { command: 'holdfast setup ./toolchain.json --dir ~/opt/tool', help: 'From a recipe of your own' },
  ],
};

/** stdout gets the exports, all of them at the end: a shell must never evaluate half of them. */
export async function execute(args: ParsedArguments): Promise<number> {
  const recipes = await recipesOf(args);
  const timeout = await waitTimeout(args);
  const emitter = (args.text('emit') ?? (process.platform === 'win32' ? 'pwsh' : 'sh')) as Emitter;
  return canceledBySignals(async (cancel) => {
    const exports: Export[] = [];
    for (const [index, recipe] of recipes.entries()) {
      const lockFile = await lockFileOf(args.positionals[index] as string);
      exports.push(...(await installOne(recipe, args, { timeout, cancel, lockFile })));
    }
    const text = emit(exports, emitter, args);
    printPayload(text === '' || text.endsWith('\n') ? text : `${text}\n`);
    return 0;
  });
}

interface InstallSetting {
  readonly timeout: Timeout;
  readonly cancel: SignalCancel;
  readonly lockFile: LockFile | undefined;
}

async function installOne(
  recipe: Recipe,
  args: ParsedArguments,
  { timeout, cancel, lockFile }: InstallSetting,
): Promise<readonly Export[]> {
  const progress = new SetupProgress(systemClock, args.has('quiet'));
  const fetchMs = attemptTimeoutMs(args);
  const [dir, repair] = [args.text('dir'), args.text('repair')];
  const asked = args.text('ref');
  const isFree = asked !== undefined || args.has('update');
  const pinned = lockFile?.pinOf(recipe);
  if (args.has('locked')) assertLocked(recipe, { isFree, pinned, lockFile });
  const isGit = isGitSource(recipe.source);
  const ref = asked ?? (isFree || !isGit ? undefined : pinned);
  const options: InstallOptions = {
    ...timeout.options,
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
    const { exports, revision, outcome } = await install(recipe, options);
    if (revision !== undefined && (isFree || !isGit || pinned === undefined))
      await pin(lockFile, recipe, { revision, isOwn: outcome !== 'cached' });
    return exports;
  } catch (error) {
    if (error instanceof TypeError && asked !== undefined)
      throw new UsageError(error.message.replace(/\.$/, ''), 'setup');
    throw error;
  } finally {
    progress.end();
  }
}

function assertLocked(
  recipe: Recipe,
  {
    isFree,
    pinned,
    lockFile,
  }: { isFree: boolean; pinned: string | undefined; lockFile: LockFile | undefined },
): void {
  if (isFree) throw new UsageError('--locked excludes --ref and --update', 'setup');
  const { source } = recipe;
  if (pinned !== undefined && (isGitSource(source) || source.sha256.toLowerCase() === pinned)) return;
  const place = lockFile?.path ?? LOCK_FILE_NAME;
  throw new LockError(
    `Could not install "${recipe.name}": --locked was given, and "${place}" does not pin this source. Run "holdfast setup" without --locked where the lock file is kept, and commit it.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource: recipe.name },
  );
}

function emit(exports: readonly Export[], emitter: Emitter, args: ParsedArguments): string {
  try {
    return emitExports(exports, emitter);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message.replace(/\.$/, ''), args.command.name);
  }
}
