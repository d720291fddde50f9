import { isAbsolute, relative, resolve, sep } from 'node:path';

import {
  claimOfRef,
  findRepository,
  generationOf,
  isOverlapping,
  isPathClaim,
  refOfClaim,
  type Change,
  type IndexChange,
  type PathEntry,
  type PathIndex,
  type RecordedTip,
  type Tip,
} from '../backends/git/index.js';
import type { Session } from './session.js';

/** A path in the index whose own branch does not show it yet is being claimed, or a killed server left it half done. */
const HALF_DONE_MS = 60_000;

/**
 * The id of the claim of a path: relative to the working tree that `cwd` lies in, with a slash at its end.
 *
 * @throws TypeError for a path outside of it, and for the working tree itself.
 */
export function pathClaimId(path: string, cwd = process.cwd(), env = process.env): string {
  const top = findRepository(cwd, env)?.topLevel ?? cwd;
  const within = relative(top, resolve(cwd, path));
  if (within === '' || within === '..' || within.startsWith(`..${sep}`) || isAbsolute(within))
    throw new TypeError(
      `"${path.slice(0, 120)}" is no path in this working tree. Name a file or a folder in it.`,
    );
  return `${within.split(sep).join('/')}/`;
}

/** All path claims at the remote, as one look showed them. */
export class PathsSeen {
  readonly #session: Session;
  readonly #index: PathIndex;
  readonly #tips: ReadonlyMap<string, Tip>;
  /** Paths of the index that are held, or are being claimed. */
  readonly #live: readonly PathEntry[];

  constructor(session: Session, index: PathIndex, tips: ReadonlyMap<string, Tip>) {
    this.#session = session;
    this.#index = index;
    this.#tips = tips;
    this.#live = index.entries.filter((entry) => this.#isLive(entry));
  }

  /** Another agent's claim that has a file in common with the path `id`. */
  overlapping(id: string): RecordedTip | undefined {
    for (const tip of this.#tips.values()) {
      if (tip.kind !== 'held' || tip.ref === refOfClaim(id) || this.#session.isOwn(tip)) continue;
      const other = claimOfRef(tip.ref) ?? '';
      if (isPathClaim(other) && isOverlapping(other, id)) return tip;
    }
    return undefined;
  }

  /** A path that has a file in common with `id` and is being claimed. */
  coming(id: string): string | undefined {
    return this.#live.find((entry) => {
      const ref = refOfClaim(entry.id);
      return ref !== refOfClaim(id) && this.#isAhead(entry) && isOverlapping(entry.id, id);
    })?.id;
  }

  /** The index after these claims: what is free has gone from it. undefined where no path is among them. */
  after(changes: readonly Change[]): IndexChange | undefined {
    const added = changes.flatMap(({ ref, record }): PathEntry[] => {
      const id = claimOfRef(ref) ?? '';
      return isPathClaim(id) ? [{ id, generation: record.generation }] : [];
    });
    if (added.length === 0) return undefined;
    const isAdded = (entry: PathEntry): boolean => added.some(({ id }) => id === entry.id);
    return {
      expected: this.#index.oid,
      entries: [...this.#live.filter((entry) => !isAdded(entry)), ...added],
    };
  }

  #isLive(entry: PathEntry): boolean {
    const tip = this.#tips.get(refOfClaim(entry.id));
    const { firstSeen } = this.#session.store;
    const key = `path:${entry.id}`;
    if (!this.#isAhead(entry)) {
      firstSeen.forget(key);
      return tip?.kind !== 'free';
    }
    // What a newer version has made of it is its claim.
    if (tip?.kind === 'broken') return true;
    firstSeen.note(key, String(entry.generation));
    return firstSeen.unchangedMs(key, String(entry.generation)) < HALF_DONE_MS;
  }

  /** The index was read after the branch of the claim: they move together, and are read one after the other. */
  #isAhead({ id, generation }: PathEntry): boolean {
    const tip = this.#tips.get(refOfClaim(id));
    return tip === undefined || generationOf(tip) < generation;
  }
}
