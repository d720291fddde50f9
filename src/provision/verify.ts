import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type { LockError } from '../core/errors.js';
import { installError } from './errors.js';
import { forPlatform, recipePlatform, type Artifact, type Recipe } from './recipe.js';

/** An artifact that is there. `path` is relative to the tree, unless the user's own library directory has it. */
export interface FoundArtifact {
  readonly name: string;
  readonly path: string;
  /** It may be run, and is no library. */
  readonly isProgram: boolean;
}

/** A found artifact as it must be found again. */
export interface ArtifactRecord extends FoundArtifact {
  readonly sizeBytes: number;
  /** Milliseconds since 1970. A file with this size and this time of change was not touched, and is not read again. */
  readonly changedAtMs: number;
  readonly sha256: string;
}

export interface Search {
  readonly found: readonly FoundArtifact[];
  readonly missing: readonly MissingArtifact[];
}

interface MissingArtifact {
  readonly name: string;
  readonly files: readonly string[];
}

/**
 * Looks for every artifact in `directories` (absolute), the best first. The first directory with all of them wins;
 * where none has all, each artifact is taken from the first directory that has it.
 */
export async function searchArtifacts(recipe: Recipe, directories: readonly string[]): Promise<Search> {
  const wanted = wantedArtifacts(recipe);
  let best: Search = { found: [], missing: wanted };
  const merged = new Map<string, FoundArtifact>();
  for (const directory of directories) {
    const found: FoundArtifact[] = [];
    for (const { name, files } of wanted) {
      const file = await firstFile(directory, files);
      if (file === undefined) continue;
      found.push({ name, ...file });
      if (!merged.has(name)) merged.set(name, { name, ...file });
    }
    if (found.length === wanted.length) return { found, missing: [] };
  }
  if (merged.size > 0) {
    best = {
      found: wanted.flatMap(({ name }) => merged.get(name) ?? []),
      missing: wanted.filter(({ name }) => !merged.has(name)),
    };
  }
  return best;
}

function wantedArtifacts(recipe: Recipe): MissingArtifact[] {
  return recipe.artifacts.map((artifact) => ({ name: artifact.name, files: filesOf(recipe, artifact) }));
}

function filesOf(recipe: Recipe, artifact: Artifact): readonly string[] {
  const platform = recipePlatform();
  const files = forPlatform(artifact.files, platform);
  if (files !== undefined) return files;
  throw installError(
    'HOLDFAST_UNSUPPORTED',
    recipe.name,
    `the recipe does not say what "${artifact.name}" is called on ${platform}`,
    'Add it to the artifact\'s "files"',
  );
}

/** Linkers set the bits of a program on libraries too. */
const LIBRARY = /\.(?:so(?:\.\d+)*|dylib|dll|a|lib)$/i;

async function firstFile(
  directory: string,
  names: readonly string[],
): Promise<Omit<FoundArtifact, 'name'> | undefined> {
  for (const name of names) {
    const path = join(directory, name);
    // Follows symbolic links: libx.so is often one to libx.so.1, and a dangling one is no library.
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isFile() !== true || stats.size === 0) continue;
    return { path, isProgram: (stats.mode & 0o111) !== 0 && !LIBRARY.test(name) };
  }
  return undefined;
}

/** `"libggml" (libggml.so) is missing. Looked in build/bin, build/lib` */
export function describeMissing(
  missing: readonly MissingArtifact[],
  directories: readonly string[],
  dir?: string,
): string {
  const names = missing.map(({ name, files }) => `"${name}" (${files.join(' or ')})`).join(' and ');
  const places = directories.map((path) => `"${dir === undefined ? path : relative(dir, path) || '.'}"`);
  const below = dir === undefined ? '' : ` of "${dir}"`;
  return `${names} ${missing.length === 1 ? 'is' : 'are'} missing; looked in ${places.join(', ')}${below}`;
}

/** Finds and measures all artifacts of a freshly built tree. @throws LockError HOLDFAST_BUILD naming what is missing. */
export async function verifyTree(recipe: Recipe, dir: string): Promise<readonly ArtifactRecord[]> {
  const directories = recipe.search.map((path) => join(dir, path));
  const { found, missing } = await searchArtifacts(recipe, directories);
  if (missing.length > 0) {
    throw installError(
      'HOLDFAST_BUILD',
      recipe.name,
      `the build ended well, but ${describeMissing(missing, directories, dir)}`,
      "Check the recipe's steps and its search directories",
    );
  }
  return Promise.all(
    found.map(async ({ name, path, isProgram }) => {
      const { size, ctimeMs } = await stat(path);
      if (await isLfsPointer(path)) throw lfsPointer(recipe.name, name, path);
      const sha256 = await sha256Of(path);
      return { name, path: relative(dir, path), isProgram, sizeBytes: size, changedAtMs: ctimeMs, sha256 };
    }),
  );
}

const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** What git leaves in place of a large file where git-lfs is missing. */
async function isLfsPointer(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LFS_POINTER.length), 0, LFS_POINTER.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === LFS_POINTER;
  } finally {
    await file.close();
  }
}

function lfsPointer(recipeName: string, artifact: string, path: string): LockError {
  const fact = `"${artifact}" (${path}) is a pointer of git-lfs, not the file itself`;
  return installError('HOLDFAST_BUILD', recipeName, fact, 'Install git-lfs, and set up again');
}

/**
 * Why the artifacts are not those recorded; undefined when all are. The sizes are compared first: they are cheap. A file
 * is read again only if its inode was changed since it was recorded (ctime, which no program can set back).
 */
export async function damageOf(dir: string, records: readonly ArtifactRecord[]): Promise<string | undefined> {
  const touched: ArtifactRecord[] = [];
  for (const record of records) {
    const { name, path, sizeBytes } = record;
    const stats = await stat(join(dir, path)).catch(() => undefined);
    if (stats === undefined) return `"${name}" is missing at "${join(dir, path)}"`;
    if (stats.size !== sizeBytes) return `"${name}" has ${stats.size} bytes instead of ${sizeBytes}`;
    if (stats.ctimeMs !== record.changedAtMs) touched.push(record);
  }
  for (const { name, path, sha256 } of touched) {
    if ((await sha256Of(join(dir, path))) !== sha256) return `"${name}" was changed after it was built`;
  }
  return undefined;
}

/** Directories of the artifacts, absolute, each once. The first is `{libdir}`. */
export function libraryDirs(dir: string, found: readonly FoundArtifact[]): readonly string[] {
  return [...new Set(found.map(({ path }) => dirname(isAbsolute(path) ? path : join(dir, path))))];
}

/** The same for those that are programs: what belongs on PATH. */
export function programDirs(dir: string, found: readonly FoundArtifact[]): readonly string[] {
  return libraryDirs(
    dir,
    found.filter(({ isProgram }) => isProgram),
  );
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
