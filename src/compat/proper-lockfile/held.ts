import type { Guard } from '../../core/guard.js';
import { identify, removeOwn, type Claimed } from './directory.js';
import { compatError } from './errors.js';
import { keepFresh } from './freshness.js';

/** What a hold consists of, once both the lock and the directory are had. */
export interface HoldParts {
  readonly file: string;
  readonly path: string;
  readonly markerPath: string;
  readonly guard: Guard;
  readonly own: Claimed;
  readonly onCompromised: (error: Error) => unknown;
}

/** By canonical path of the file, as `unlock(file)` asks: of several `lockfilePath`s the last one that was locked. */
const holds = new Map<string, Hold>();
const all = new Set<Hold>();

export class Hold {
  readonly #parts: HoldParts;
  readonly #stopRefreshing: () => void;
  #isOver = false;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#stopRefreshing = keepFresh(parts.path, parts.own, () => this.#compromise());
    holds.set(parts.file, this);
    all.add(this);
    if (all.size === 1) process.on('exit', releaseAll);
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
      if (!removeOwn(path, markerPath, own)) throw compatError('ECOMPROMISED', file);
    } finally {
      // After the directory: the next of ours finds none.
      void this.#parts.guard.release();
    }
  }

  #compromise(): void {
    if (this.#isOver) return;
    this.#end();
    void this.#parts.guard.release();
    this.#parts.onCompromised(compromisedError(this.#parts));
  }

  #end(): void {
    this.#isOver = true;
    this.#stopRefreshing();
    if (holds.get(this.#parts.file) === this) holds.delete(this.#parts.file);
    all.delete(this);
    if (all.size === 0) process.off('exit', releaseAll);
  }
}

/** As the real one has it: a directory that is gone is reported as stat(2) reports it. */
function compromisedError({ file, path }: HoldParts): Error {
  const error = compatError('ECOMPROMISED', file);
  if (identify(path) === undefined) error.message = `ENOENT: no such file or directory, stat '${path}'`;
  return error;
}

/** Contenders of the old kind would have to wait until the directory is stale. A killed process leaves them to it. */
function releaseAll(): void {
  for (const hold of [...all]) {
    try {
      hold.release();
    } catch {
      // The process ends; the kernel ends what it knows of, age the rest.
    }
  }
}
