import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { recipePlatform, type Recipe } from './recipe.js';
import { damageOf, type ArtifactRecord } from './verify.js';

/** Last file written into a version's tree. A tree without it is no version, however complete it looks. */
export const STAMP_NAME = '.holdfast-stamp.json';
const STAMP_VERSION = 1;

export interface Stamp {
  readonly stampVersion: typeof STAMP_VERSION;
  readonly recipe: string;
  /** What was asked for: see {@link recipeHash}. */
  readonly recipeHash: string;
  readonly id: string;
  /** The version that was current before; it stays for those who use its exports. */
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

/** Equal for two recipes when a tree built by one is what the other asks for. Exports don't count: they cost no build. */
export function recipeHash(recipe: Recipe): string {
  const { name, source, steps, artifacts, search } = recipe;
  const platform = `${recipePlatform()}-${process.arch}`;
  const wanted = { name, source: { ...source, timeoutMs: undefined }, steps, artifacts, search, platform };
  return createHash('sha256').update(canonicalJson(wanted)).digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function encodeStamp(stamp: Omit<Stamp, 'stampVersion'>): string {
  return `${JSON.stringify({ stampVersion: STAMP_VERSION, ...stamp }, undefined, 2)}\n`;
}

/** The stamp of the tree at `dir`; undefined when there is none, or none that this version of Holdfast can read. */
export async function readStamp(dir: string): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(await readFile(join(dir, STAMP_NAME), 'utf8')) as Stamp;
    return stamp.stampVersion === STAMP_VERSION && Array.isArray(stamp.artifacts) ? stamp : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Why the tree at `dir` is not a whole one of this recipe; undefined when it is. A `ref` that was asked for must be
 * the one installed; who asks for none takes any.
 */
export async function faultOf(
  dir: string,
  stamp: Stamp | undefined,
  recipe: Recipe,
  ref: string | undefined,
): Promise<string | undefined> {
  if (stamp === undefined) return 'it carries no stamp of a completed install';
  if (stamp.recipeHash !== recipeHash(recipe)) return 'it was built from another recipe';
  if (ref !== undefined && ref !== stamp.ref && ref !== stamp.revision) {
    return `it was built from ${stamp.ref ?? 'the default branch'}, not from ${ref}`;
  }
  return damageOf(dir, stamp.artifacts);
}
