import { delimiter } from 'node:path';

import { checkOptions } from '../core/check-options.js';
import { LockCanceledError, type LockError } from '../core/errors.js';
import type { Guard } from '../core/guard.js';
import { systemClock } from '../platform/clock.js';
import { withLock } from '../locks/acquire.js';
import { ownLock } from '../locks/lock.js';
import { fileError, installError } from './errors.js';
import { reporterFor, type Outcome, type Reporter } from './events.js';
import { exportsOf, type Export } from './exports.js';
import { DEFAULT_ATTEMPT_TIMEOUT_MS, type FetchContext } from './fetch-context.js';
import type { Layout } from './layout.js';
import { inheritedEnvironment, reachesRemotes } from '../process/environment.js';
import { makeDirectory } from '../files/make-directory.js';
import { INSTALL_OPTIONS, lockOptionsOf, type InstallOptions, type InstallRun } from './install-options.js';
import { makeVersion } from './make-version.js';
import { placeOf } from './place.js';
import { isGitSource, type Recipe } from './recipe.js';
import { remoteCommit } from './source-git.js';
import { faultOf, type Stamp } from './stamp.js';
import { libraryDirs, programDirs, type FoundArtifact } from './verify.js';
import {
  currentVersion,
  recoverSwitch,
  sweepVersions,
  wasInterrupted,
  type CurrentVersion,
} from './versions.js';

/** A toolchain that is ready. */
export interface Installation {
  /** Name of the recipe. */
  readonly recipe: string;
  /** What was done. */
  readonly outcome: Outcome;
  /** The version's own directory, which stays when another version is installed; undefined when only libraries are provided. */
  readonly dir: string | undefined;
  /** Directories with shared libraries, absolute. */
  readonly libDirs: readonly string[];
  /** Commit id or checksum; undefined for a toolchain of the user's own. */
  readonly revision: string | undefined;
  /** Environment variables that the toolchain needs. */
  readonly exports: readonly Export[];
}

/**
 * Makes the toolchain ready, building it only when it is not: however many call this at once, one builds and the
 * others wait and take the result. What is installed and whole is returned at once, without a lock, also while an update
 * goes on. The tree is built beside the old version, checked, and put in its place at once;
 * when anything fails, or everything is killed, the old version is untouched.
 *
 * @throws LockError HOLDFAST_TIMEOUT or HOLDFAST_CONTENDED while another install goes on, HOLDFAST_NETWORK,
 *   HOLDFAST_BUILD, HOLDFAST_IO (a full disk), HOLDFAST_PERMISSION, HOLDFAST_UNSUPPORTED (a prerequisite is missing),
 *   HOLDFAST_CONFIG_MISMATCH (an override names nothing usable), HOLDFAST_CANCELED.
 * @example
 * const { dir } = await install(LLAMA_CPP, { timeoutMs: 60_000 });
 */
export async function install(recipe: Recipe, options: InstallOptions = {}): Promise<Installation> {
  checkOptions(options, INSTALL_OPTIONS);
  const { env = process.env, onEvent, signal, ref } = options;
  assertRef(recipe, ref);
  const reporter = reporterFor(recipe.name, onEvent);
  const place = await placeOf(recipe, options.dir, env);
  if (place.kind === 'provided') {
    reporter.note(`${place.chosenBy} names a toolchain of yours; it is used as it is`);
    return finish(
      recipe,
      reporter,
      { outcome: 'provided', dir: place.dir, revision: undefined },
      place.found,
    );
  }
  const { layout } = place;
  assertSearchable(recipe, layout);
  const clock = systemClock;
  const fetch: FetchContext = {
    recipeName: recipe.name,
    reporter,
    clock,
    signal,
    env: inheritedEnvironment(env, reachesRemotes),
    attemptTimeoutMs: options.attemptTimeoutMs ?? recipe.source.timeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS,
    hasJitter: options.jitter ?? true,
  };
  const run: InstallRun = { recipe, ref, layout, fetch, env, clock, reporter, options };
  try {
    const found = await findReady(run);
    if (found !== undefined) return found;
    makeDirectory(layout.parentDir);
    const lockOptions = lockOptionsOf(`setup ${recipe.name}`, options);
    return await withLock(ownLock(layout.lockPath), lockOptions, (guard) => installLocked(run, guard));
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) throw canceled(recipe, error);
    throw fileError(`install "${recipe.name}" in`, layout.installDir, error);
  }
}

/**
 * What is installed, when that is whole and nothing else was asked for. Takes no lock: an update that goes on beside it
 * changes no byte of it, and a directory that this user, or no user, can write to is as good as any.
 */
async function findReady(run: InstallRun): Promise<Installation | undefined> {
  const { layout, options } = run;
  const { repair = 'auto', update = false, offline = false } = options;
  if (repair === 'always' || (update && !offline) || (await wasInterrupted(layout))) return undefined;
  const current = await currentVersion(layout);
  if (current?.stamp === undefined || (await faultOf(current.dir, current.stamp, run)) !== undefined)
    return undefined;
  return finishStamped(run, 'cached', current.dir, current.stamp);
}

async function installLocked(run: InstallRun, guard: Guard): Promise<Installation> {
  const { layout, clock, reporter, options } = run;
  const recovered = await recoverSwitch(layout);
  if (recovered !== undefined) reporter.note(recovered);
  await sweepVersions(layout, clock);
  const current = await currentVersion(layout);
  const fault =
    current === undefined ? 'nothing is installed' : await faultOf(current.dir, current.stamp, run);
  const ready =
    fault === undefined && current?.stamp !== undefined ? { ...current, stamp: current.stamp } : undefined;
  if (ready !== undefined && !(await mustBuild(run, ready.stamp))) {
    return finishStamped(run, 'cached', ready.dir, ready.stamp);
  }
  if (fault !== undefined) assertMayBuild(run, fault);
  if (current !== undefined && fault !== undefined) reporter.note(`building again: ${fault}`);
  const made = await makeVersion(run, current, guard);
  await sweepVersions(layout, clock);
  return finishStamped(run, outcomeOf(current, options), made.dir, made.stamp);
}

function outcomeOf(current: CurrentVersion | undefined, { update, ref }: InstallOptions): Outcome {
  if (current === undefined) return 'installed';
  return update === true || ref !== undefined ? 'updated' : 'repaired';
}

/** Whether a whole install is to be built again all the same. */
async function mustBuild({ recipe, ref, fetch, options }: InstallRun, stamp: Stamp): Promise<boolean> {
  const { repair = 'auto', update = false, offline = false } = options;
  if (repair === 'never') return false;
  if (repair === 'always') {
    if (offline) throw offlineError(recipe, 'it is to be built again');
    return true;
  }
  // An archive's checksum is in the recipe: it has no newer state.
  if (!update || offline || !isGitSource(recipe.source)) return false;
  return (await remoteCommit(recipe.source, ref ?? recipe.source.ref, fetch)) !== stamp.revision;
}

function assertMayBuild({ recipe, layout, options }: InstallRun, fault: string): void {
  if (options.repair === 'never') {
    const fact = `"${layout.installDir}" cannot be used: ${fault}`;
    throw installError('HOLDFAST_BUILD', recipe.name, fact, 'Run it without --repair=never');
  }
  if (options.offline === true) throw offlineError(recipe, fault);
}

function offlineError(recipe: Recipe, fact: string): LockError {
  const next = 'Run it without --offline';
  return installError('HOLDFAST_NETWORK', recipe.name, `${fact}, and the network may not be used`, next);
}

function finishStamped(run: InstallRun, outcome: Outcome, dir: string, stamp: Stamp): Installation {
  const { recipe, reporter } = run;
  return finish(recipe, reporter, { outcome, dir, revision: stamp.revision }, stamp.artifacts);
}

function finish(
  recipe: Recipe,
  reporter: Reporter,
  facts: Pick<Installation, 'outcome' | 'dir' | 'revision'>,
  artifacts: readonly FoundArtifact[],
): Installation {
  const base = facts.dir ?? '.';
  const libDirs = libraryDirs(base, artifacts);
  const exports = exportsOf(recipe, facts.dir, { libDirs, programDirs: programDirs(base, artifacts) });
  reporter.send({ type: 'done', outcome: facts.outcome, dir: facts.dir ?? libDirs[0] ?? '' });
  return { recipe: recipe.name, ...facts, libDirs, exports };
}

/** git reads a ref that begins with a dash as an option. */
function assertRef(recipe: Recipe, ref: string | undefined): void {
  if (ref === undefined || (/^[^-\s~^:?*[\\]+$/.test(ref) && !ref.includes('..'))) return;
  throw new TypeError(`Could not install "${recipe.name}": "${ref}" is no name of a branch, tag or commit.`);
}

/** Found out before the build, not when its exports are printed: no quoting lets a search path hold such a directory. */
function assertSearchable(recipe: Recipe, { installDir }: Layout): void {
  const dirs = { libDirs: [installDir], programDirs: [installDir] };
  const extendsPath = exportsOf(recipe, installDir, dirs).some(({ prepend }) => prepend);
  if (!extendsPath || !installDir.includes(delimiter)) return;
  const fact = `"${installDir}" contains "${delimiter}", which separates the directories of a search path`;
  throw installError('HOLDFAST_UNSUPPORTED', recipe.name, fact, 'Choose another place with --dir');
}

function canceled(recipe: Recipe, cause: unknown): LockCanceledError {
  return new LockCanceledError(
    `Could not install "${recipe.name}": the caller canceled it. What was installed before is untouched.`,
    { resource: recipe.name, cause },
  );
}
