import { dirname, join } from 'node:path';

import { LockError } from '../core/errors.js';
import { readOwn } from '../files/open-own.js';
import { replaceFile } from '../files/replace.js';
import { fileError } from './errors.js';
import { isGitSource, withoutSecrets, type Recipe } from './recipe.js';

export const LOCK_FILE_NAME = 'holdfast-setup.lock';
const FORMAT = 1;

/** Which revision of a recipe's source two machines agree on. */
export interface Pin {
  /** URL of the repository or the archive, without credentials: another source needs another pin. */
  readonly source: string;
  /** Commit id, or the archive's SHA-256. */
  readonly revision: string;
}

/** The pins of a project, as they stand in its `holdfast-setup.lock`. */
export class LockFile {
  readonly path: string;
  readonly #pins: Map<string, Pin>;
  readonly isThere: boolean;

  private constructor(path: string, pins: Map<string, Pin>, isThere: boolean) {
    this.path = path;
    this.#pins = pins;
    this.isThere = isThere;
  }

  /**
   * The lock file in `directory`, which need not be there.
   *
   * @throws LockError HOLDFAST_PROTOCOL for one that cannot be read; HOLDFAST_PERMISSION, HOLDFAST_IO.
   */
  static read(directory: string): LockFile {
    const path = join(directory, LOCK_FILE_NAME);
    // It decides what is built: one that another user put there, as into /tmp, does not count as the project's.
    const content = readOwn(path);
    if (content === undefined) return new LockFile(path, new Map(), false);
    return new LockFile(path, pinsIn(path, content.toString('utf8')), true);
  }

  /** The nearest one in `directory` or above it; undefined when there is none. */
  static find(directory: string): LockFile | undefined {
    for (let at = directory; ; at = dirname(at)) {
      const file = LockFile.read(at);
      if (file.isThere) return file;
      if (dirname(at) === at) return undefined;
    }
  }

  /** The revision that `recipe` is pinned to, if its source is still the same. */
  pinOf(recipe: Recipe): string | undefined {
    const pin = this.#pins.get(recipe.name);
    return pin?.source === sourceOf(recipe) ? pin.revision : undefined;
  }

  /** Writes the pin of `recipe` durably, unless it stands there already. @throws LockError HOLDFAST_PERMISSION, HOLDFAST_IO. */
  async pin(recipe: Recipe, revision: string): Promise<void> {
    if (this.pinOf(recipe) === revision) return;
    this.#pins.set(recipe.name, { source: sourceOf(recipe), revision });
    const recipes = Object.fromEntries([...this.#pins].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    try {
      await replaceFile(this.path, `${JSON.stringify({ format: FORMAT, recipes }, undefined, 2)}\n`, {
        mode: 0o644,
      });
    } catch (error) {
      throw fileError('write', this.path, error);
    }
  }
}

function sourceOf(recipe: Recipe): string {
  const { source } = withoutSecrets(recipe);
  return isGitSource(source) ? source.git : source.archive;
}

function pinsIn(path: string, text: string): Map<string, Pin> {
  let content: { format?: unknown; recipes?: unknown };
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    throw unreadable(path, 'it is not JSON');
  }
  if (content?.format !== FORMAT) throw unreadable(path, `its format is not ${FORMAT}`);
  const { recipes } = content;
  if (typeof recipes !== 'object' || recipes === null) throw unreadable(path, 'it has no "recipes"');
  for (const [name, pin] of Object.entries(recipes))
    if (!isPin(pin)) throw unreadable(path, `the entry of "${name}" is no source and revision`);
  return new Map(Object.entries(recipes) as [string, Pin][]);
}

function isPin(value: unknown): value is Pin {
  const { source, revision } = (value ?? {}) as Partial<Pin>;
  return typeof source === 'string' && typeof revision === 'string' && /^[0-9a-f]{40,64}$/.test(revision);
}

function unreadable(path: string, fact: string): LockError {
  return new LockError(`Could not read "${path}": ${fact}. Restore it, or remove it to pin anew.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: path,
  });
}
