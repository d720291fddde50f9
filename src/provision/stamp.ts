import { createHash } from 'node:crypto';
import { join } from 'node:path';

import {
  hasFields,
  isAmount,
  isFlag,
  isInstant,
  isListOf,
  isOneOf,
  isText,
  optional,
} from '../core/fields.js';
import { readNamed } from '../files/open-named-async.js';
import { buildSettings, recipePlatform, withoutSecrets, type Recipe } from './recipe.js';
import { damageOf, type ArtifactRecord } from './verify.js';

/** Last file written into a version's tree. A tree without it is no version, however complete it looks. */
export const STAMP_NAME = '.holdfast-stamp.json';
/** Number of the stamp's format; a tree with a stamp of another one is built again. */
export const STAMP_VERSION = 2;

export interface Stamp {
  readonly stampVersion: typeof STAMP_VERSION;
  readonly recipe: string;
  /** The whole recipe: what was installed from a file can be named without it. */
  readonly definition: Recipe;
  /** What was asked for: see {@link recipeHash}. */
  readonly recipeHash: string;
  /** Hash of {@link buildSettings}: of the compiler's settings in the environment. */
  readonly settingsHash: string;
  readonly id: string;
  /** Where the tree was built. It works there only: builds write absolute paths into what they make. */
  readonly dir: string;
  /** The version that was current before; it stays for the users of its exports. */
  readonly replaces: string | undefined;
  /** Without credentials. */
  readonly source: string;
  readonly ref: string | undefined;
  /** Commit id, or the archive's checksum. */
  readonly revision: string;
  readonly artifacts: readonly ArtifactRecord[];
  /** Wall clock, ISO 8601, for display. */
  readonly builtAt: string;
}

/**
 * Equal for two recipes when a tree built by one is what the other asks for. Exports don't count: they cost no build; nor do
 * mirrors and timeouts: the checksum decides what comes.
 */
export function recipeHash(recipe: Recipe): string {
  const { name, steps, artifacts, search } = recipe;
  const { source } = withoutSecrets(recipe);
  const platform = `${recipePlatform()}-${process.arch}`;
  const wanted = {
    name,
    source: { ...source, timeoutMs: undefined, mirrors: undefined },
    steps,
    artifacts,
    search,
    platform,
  };
  return createHash('sha256').update(canonicalJson(wanted)).digest('hex');
}

export function settingsHash(recipe: Recipe, env: NodeJS.ProcessEnv): string {
  return createHash('sha256')
    .update(canonicalJson(buildSettings(recipe, env)))
    .digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function encodeStamp(stamp: Stamp): string {
  return `${JSON.stringify(stamp, undefined, 2)}\n`;
}

const FIELDS = {
  stampVersion: isOneOf([STAMP_VERSION]),
  recipe: isText,
  recipeHash: isText,
  settingsHash: isText,
  id: isText,
  dir: isText,
  replaces: optional(isText),
  source: isText,
  ref: optional(isText),
  revision: isText,
  artifacts: isListOf((value) =>
    hasFields(value, {
      name: isText,
      path: isText,
      isProgram: isFlag,
      sizeBytes: isAmount,
      changedAtMs: isAmount,
      sha256: isText,
    }),
  ),
  builtAt: isInstant,
};

/** The stamp of the tree at `dir`; undefined when there is none, or none that this version of Holdfast can read. */
export async function readStamp(dir: string): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(String(await readNamed(join(dir, STAMP_NAME)))) as Stamp;
    return hasFields(stamp, FIELDS) ? stamp : undefined;
  } catch {
    return undefined;
  }
}

/** What a tree must be of. */
export interface Wanted {
  readonly recipe: Recipe;
  /** Must be the one installed; undefined takes any. */
  readonly ref: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Why the tree at `dir` is not a whole one of what is wanted; undefined when it is. */
export async function faultOf(
  dir: string,
  stamp: Stamp | undefined,
  { recipe, ref, env }: Wanted,
): Promise<string | undefined> {
  if (stamp === undefined) return 'it carries no stamp of a completed install';
  if (stamp.recipeHash !== recipeHash(recipe)) return 'it was built from another recipe';
  if (ref !== undefined && ref !== stamp.ref && ref !== stamp.revision) {
    return `it was built from ${stamp.ref ?? 'the default branch'}, not from ${ref}`;
  }
  if (stamp.settingsHash !== settingsHash(recipe, env)) {
    const names = Object.keys(buildSettings(recipe, env));
    const now = names.length === 0 ? 'none is set now' : `now ${names.join(', ')}`;
    return `it was built with other settings of the compiler in the environment (${now})`;
  }
  if (stamp.dir !== dir) return `it was built in "${stamp.dir}" and moved or copied here`;
  return damageOf(dir, stamp.artifacts);
}
