import type { Guard } from '../../core/guard.js';
import { giveBack, type DirectoryIdentity } from './directory.js';
import { compatError } from './errors.js';
import { keepFresh } from './freshness.js';

/** What a hold consists of, once both the lock and the directory are had. */
export interface HoldParts {
  readonly file: string;
  readonly path: string;
  readonly markerPath: string;
  readonly guard: Guard;
  readonly own: DirectoryIdentity;
  readonly onCompromised: (error: Error) => unknown;
}

/** By canonical path of the file, as `unlock(file)` asks. */
const holds = new Map<string, Hold>();

export class Hold {
  readonly #parts: HoldParts;
  readonly #stopRefreshing: () => void;
  #isOver = false;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#stopRefreshing = keepFresh(parts.path, parts.own, () => this.#compromise());
    holds.set(parts.file, this);
    if (holds.size === 1) process.on('exit', giveAllBack);
  }

  static of(file: string): Hold | undefined {
    return holds.get(file);
  }

  /** Ends the hold before it returns. */
  release(): void {
    const { file, path, markerPath, own } = this.#parts;
    if (this.#isOver) throw compatError('ERELEASED', file);
    this.#end();
    try {
      if (!giveBack(path, markerPath, own)) throw compatError('ECOMPROMISED', file);
    } finally {
      // After the directory: the next of ours finds none.
      void this.#parts.guard.release();
    }
  }

  #compromise(): void {
    if (this.#isOver) return;
    this.#end();
    void this.#parts.guard.release();
    this.#parts.onCompromised(compatError('ECOMPROMISED', this.#parts.file));
  }

  #end(): void {
    this.#isOver = true;
    this.#stopRefreshing();
    holds.delete(this.#parts.file);
    if (holds.size === 0) process.off('exit', giveAllBack);
  }
}

/** Contenders of the old kind would have to wait until the directory is stale. A killed process leaves them to it. */
function giveAllBack(): void {
  for (const hold of [...holds.values()]) {
    try {
      hold.release();
    } catch {
      // The process ends; the kernel ends what it knows of, age the rest.
    }
  }
}
