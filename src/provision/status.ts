import type { HolderInfo } from '../core/backend.js';
import { checkOptions, OBJECT, TEXT } from '../core/check-options.js';
import { inspect } from '../locks/inspect.js';
import { layoutOf } from './layout.js';
import { placeOf } from './place.js';
import type { Recipe } from './recipe.js';
import { faultOf } from './stamp.js';
import { libraryDirs } from './verify.js';
import { currentVersion } from './versions.js';

/** What is installed of one recipe. */
export interface ToolchainStatus {
  /** Name of the recipe. */
  readonly recipe: string;
  /** `broken`: something is there, and the next install builds it again. `provided`: the user's own. */
  readonly state: 'absent' | 'installed' | 'broken' | 'provided';
  /** Why it is broken. */
  readonly fault: string | undefined;
  /** Where it is or would be installed; what the user's variable names. */
  readonly installDir: string | undefined;
  /** `--dir`, a variable, or `default`. */
  readonly chosenBy: string;
  /** The current version's own directory. */
  readonly dir: string | undefined;
  /** Directories with shared libraries, absolute. */
  readonly libDirs: readonly string[];
  /** URL of the sources; undefined where nothing is installed. */
  readonly source: string | undefined;
  /** Branch, tag or commit that was asked for; undefined where nothing is installed. */
  readonly ref: string | undefined;
  /** Commit or digest that it was built from; undefined where nothing is installed. */
  readonly revision: string | undefined;
  /** When it was built: wall clock, ISO 8601, for display. Undefined where nothing is installed. */
  readonly builtAt: string | undefined;
  /** The install that is under way, and the waiters for it. */
  readonly holders: readonly HolderInfo[];
}

const STATUS_OPTIONS = { dir: TEXT, env: OBJECT };

/**
 * What is installed, without a lock, network or any change: an install going on shows in `holders`.
 *
 * @throws LockError HOLDFAST_PERMISSION or HOLDFAST_IO when the directory cannot be read.
 */
export async function status(
  recipe: Recipe,
  options: { readonly dir?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ToolchainStatus> {
  checkOptions(options, STATUS_OPTIONS);
  const env = options.env ?? process.env;
  const place = await placeOf(recipe, options.dir, env);
  const nothing = {
    fault: undefined,
    source: undefined,
    ref: undefined,
    revision: undefined,
    builtAt: undefined,
  };
  const base = { ...nothing, recipe: recipe.name, chosenBy: place.chosenBy };
  if (place.kind === 'provided') {
    const libDirs = libraryDirs(place.dir ?? '.', place.found);
    return { ...base, state: 'provided', installDir: place.dir, dir: place.dir, libDirs, holders: [] };
  }
  const { layout } = place;
  const { installDir } = layoutOf(layout.installDir);
  const holders = await holdersOf(layout.lockPath);
  const current = await currentVersion(layout);
  if (current === undefined)
    return { ...base, state: 'absent', installDir, dir: undefined, libDirs: [], holders };
  const { dir, stamp } = current;
  const fault = await faultOf(dir, stamp, { recipe, ref: undefined, env });
  return {
    ...base,
    state: fault === undefined ? 'installed' : 'broken',
    fault,
    installDir,
    dir,
    libDirs: stamp === undefined ? [] : libraryDirs(dir, stamp.artifacts),
    holders,
    ...(stamp && { source: stamp.source, ref: stamp.ref, revision: stamp.revision, builtAt: stamp.builtAt }),
  };
}

/** The holder only explains: a failure to find it is no failure of the status. */
async function holdersOf(lockPath: string): Promise<readonly HolderInfo[]> {
  try {
    return (await inspect(lockPath)).holders;
  } catch {
    return [];
  }
}
