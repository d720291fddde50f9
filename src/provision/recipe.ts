import { withoutCredentials } from '../core/credentials.js';

/** The platforms that recipes distinguish; every other one counts as `linux`. */
export type RecipePlatform = 'linux' | 'darwin' | 'win32';

/** One value for all platforms, or one each; a platform that is not listed has none. */
export type PerPlatform<T> = T | { readonly [P in RecipePlatform]?: T };

/** Sources in a git repository. */
export interface GitSource {
  /** URL or path of the remote. */
  readonly git: string;
  /** Branch, tag or full commit id. Default: the remote's own HEAD. */
  readonly ref?: string;
  /** Clone the submodules too, recursively. Default true. */
  readonly submodules?: boolean;
  /** Fetch only the wanted commits. Default true; `false` for servers that cannot (dumb HTTP). */
  readonly shallow?: boolean;
  /** Milliseconds for one attempt to fetch. */
  readonly timeoutMs?: number;
}

/** Sources in an archive behind a URL. */
export interface ArchiveSource {
  /** URL of a .tar, .tar.gz, .tar.xz, .tar.bz2 or .zip. */
  readonly archive: string;
  /** Other URLs of the same file, in the order in which they are tried when the first one fails. */
  readonly mirrors?: readonly string[];
  /** SHA-256 of the archive, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Leading path elements to drop when unpacking. Default 1. */
  readonly stripComponents?: number;
  /** Milliseconds for the download with all its attempts. */
  readonly timeoutMs?: number;
}

/** A program that the build needs. The first of `commands` that is there and new enough will do. */
export interface Prerequisite {
  /** Programs of which one must be on PATH. */
  readonly commands: readonly string[];
  /** How it is asked for its version. Default `['--version']`; the first number with a dot counts. */
  readonly versionArguments?: readonly string[];
  /** Such as `3.14`. Absent: any version, and the program is not run. */
  readonly minimumVersion?: string;
  /** How to get it; ends the error message. */
  readonly hint?: string;
}

/** One program run in the source tree. `{dir}` and `{jobs}` are replaced in arguments, cwd and env. */
export interface BuildStep {
  /** Shown while it runs. */
  readonly name: string;
  /** The program. */
  readonly command: string;
  /** Its arguments. Absent: none. */
  readonly arguments?: readonly string[];
  /** Relative to the source tree. Default its top. */
  readonly cwd?: string;
  /** Added to what the steps inherit. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the step and everything it started is ended. Default: none. */
  readonly timeoutMs?: number;
}

/** A file that the build must have made. */
export interface Artifact {
  /** Name in messages and in JSON. */
  readonly name: string;
  /** File names that will do, in this order. */
  readonly files: PerPlatform<readonly string[]>;
}

/** A variable to set, or with `prepend` a search path to put `value` in front of. */
export interface RecipeExport {
  /** Name of the environment variable. */
  readonly variable: PerPlatform<string>;
  /**
   * `{dir}` is the version's directory, `{libdir}` the one with the artifacts, `{bindir}` the one with those that are
   * programs (with `prepend`: each of them). Without a program an export with `{bindir}` is left out.
   */
  readonly value: string;
  /** Whether the value goes before what the variable has already. Default `false`. */
  readonly prepend?: boolean;
}

/** How one toolchain is got, built, checked and used. Data: nothing in it runs before an install. */
export interface Recipe {
  /** `[a-z0-9][a-z0-9._-]*`, and none of {@link RESERVED_RECIPE_NAMES}. */
  readonly name: string;
  /** One line for lists. Absent: none. */
  readonly description?: string;
  /** Where the sources come from. */
  readonly source: GitSource | ArchiveSource;
  /** Programs that must be there before anything is fetched. Absent: none. */
  readonly prerequisites?: readonly Prerequisite[];
  /** How it is built, in this order. */
  readonly steps: readonly BuildStep[];
  /**
   * Variables of the caller's environment that the steps may see, besides PATH, HOME and their kin and the usual settings of
   * compilers (see {@link buildSettings}). Their values are part of what was asked for: another value builds again.
   */
  readonly environment?: readonly string[];
  /** Files that must exist after the build. */
  readonly artifacts: readonly Artifact[];
  /** Directories, relative to the tree, in which artifacts are looked for, the best first. */
  readonly search: readonly string[];
  /** Default: `NAME_DIR`, `NAME_LIBDIR`, the loader's search path, and PATH where an artifact is a program. */
  readonly exports?: readonly RecipeExport[];
  /** Bytes that must be free before anything is fetched. */
  readonly diskSpaceBytes?: number;
}

/** Words of `holdfast setup` that no recipe can be called by. */
export const RESERVED_RECIPE_NAMES: readonly string[] = ['list', 'status', 'path', 'remove', 'rollback'];

export function isGitSource(source: Recipe['source']): source is GitSource {
  return 'git' in source;
}

export function recipePlatform(platform: NodeJS.Platform = process.platform): RecipePlatform {
  return platform === 'darwin' || platform === 'win32' ? platform : 'linux';
}

export function forPlatform<T>(value: PerPlatform<T>, platform: RecipePlatform): T | undefined {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isTable ? (value as { readonly [P in RecipePlatform]?: T })[platform] : (value as T);
}

/** `llama.cpp` is `LLAMA_CPP` in the names of variables, `7zip` is `_7ZIP`. */
export function variablePrefix(recipeName: string): string {
  const prefix = recipeName.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  return /^[0-9]/.test(prefix) ? `_${prefix}` : prefix;
}

/** What a recipe without `exports` exports. */
export function defaultExports(recipeName: string): readonly RecipeExport[] {
  const prefix = variablePrefix(recipeName);
  const loaderPath = { linux: 'LD_LIBRARY_PATH', darwin: 'DYLD_LIBRARY_PATH', win32: 'PATH' } as const;
  return [
    { variable: `${prefix}_DIR`, value: '{dir}' },
    { variable: `${prefix}_LIBDIR`, value: '{libdir}' },
    { variable: loaderPath, value: '{libdir}', prepend: true },
    { variable: { linux: 'PATH', darwin: 'PATH' }, value: '{bindir}', prepend: true },
  ];
}

/** Replaces `{key}` by its value. Unknown keys stay: braces may be the program's own. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
}

/** What compilers and build systems read: it decides what comes out, so it is part of what was asked for. */
const BUILD_SETTINGS =
  /^(?:CC|CXX|CPP|LD|AR|AS|NM|FC|RANLIB|STRIP|OBJCOPY|(?:C|CXX|CPP|LD|F|FC|AS)FLAGS|CMAKE_\w+|MACOSX_DEPLOYMENT_TARGET|SDKROOT|CUDA\w*|PKG_CONFIG\w*|RUSTFLAGS|CARGO_BUILD_\w+|GOFLAGS|CGO_\w+|SOURCE_DATE_EPOCH)$/;

/** The part of `env` on which the outcome of the steps may depend, by name. */
export function buildSettings(recipe: Recipe, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const named = new Set(recipe.environment);
  const settings = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && entry[1] !== '' && (named.has(entry[0]) || BUILD_SETTINGS.test(entry[0])),
  );
  return Object.fromEntries(settings.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same recipe with a source that may be shown and stored. */
export function withoutSecrets(recipe: Recipe): Recipe {
  const { source } = recipe;
  return isGitSource(source)
    ? { ...recipe, source: { ...source, git: withoutCredentials(source.git) } }
    : {
        ...recipe,
        source: {
          ...source,
          archive: withoutCredentials(source.archive),
          ...(source.mirrors && { mirrors: source.mirrors.map((url) => withoutCredentials(url)) }),
        },
      };
}
