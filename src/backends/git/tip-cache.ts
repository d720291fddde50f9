import { LockError } from '../../core/errors.js';
import { readState, replaceText } from './files.js';
import type { ObjectId } from './objects.js';
import type { RawTip } from './plumbing.js';

const FORMAT = 1;

type Entry = readonly [oid: ObjectId, commit: string | null, record: string | null];

/**
 * What the tips of a remote with many claims say, by object id: to read thousands of objects from packs takes longer than
 * everything else in a list. It lies among the store's objects and goes with them, so that a tip in it is in the store, too.
 */
export class TipCache {
  readonly #path: string;
  #tips: Map<ObjectId, RawTip> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#known().size;
  }

  get(oid: ObjectId): RawTip | undefined {
    return this.#known().get(oid);
  }

  /** Keeps these, and no others. Not synced: what is lost is read from the objects again. */
  replace(tips: ReadonlyMap<ObjectId, RawTip>): void {
    this.#tips = new Map(tips);
    const entries = [...tips].map(([oid, { commit, record }]): Entry => [
      oid,
      commit ?? null,
      record ?? null,
    ]);
    replaceText(this.#path, JSON.stringify({ format: FORMAT, tips: entries }), false);
  }

  #known(): ReadonlyMap<ObjectId, RawTip> {
    return (this.#tips ??= read(this.#path));
  }
}

function read(path: string): Map<ObjectId, RawTip> {
  const tips = new Map<ObjectId, RawTip>();
  let value: { readonly format?: unknown; readonly tips?: unknown } | null;
  try {
    value = JSON.parse(readState(path) ?? 'null') as typeof value;
  } catch (error) {
    // Torn by a power failure. That it belongs to another user is no such thing.
    if (error instanceof LockError) throw error;
    return tips;
  }
  if (value?.format !== FORMAT || !Array.isArray(value.tips)) return tips;
  for (const [oid, commit, record] of value.tips as readonly Entry[])
    tips.set(oid, { commit: commit ?? undefined, record: record ?? undefined });
  return tips;
}
