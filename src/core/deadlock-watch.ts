import type { DeadlockLink } from './deadlock.js';
import type { Clock, Timer } from './time.js';

function isSameCycle(a: readonly DeadlockLink[], b: readonly DeadlockLink[]): boolean {
  return (
    a.length === b.length && a.every((link, i) => link.pid === b[i]?.pid && link.waitsFor === b[i]?.waitsFor)
  );
}

/** Between looks that must agree: a cycle that dissolves by itself in this time was none. */
const CONFIRM_MS = 200;
/** Until a later look, and then twice as long each time: others may begin to wait long after us, and most look themselves when they do. */
const LATER_MS = 15_000;
const LATEST_MS = 60_000;

/**
 * Looks for a cycle during a wait, and reports the first one that two looks in a row have found. The process with the
 * highest pid of the cycle reports first; the others look once more, because its giving up may have set them free.
 */
export class DeadlockWatch {
  readonly #clock: Clock;
  readonly #find: () => Promise<readonly DeadlockLink[] | undefined>;
  readonly #onFound: (cycle: readonly DeadlockLink[]) => void;
  #timer: Timer | undefined;
  #suspect: readonly DeadlockLink[] | undefined;
  #timesSeen = 0;
  #looks = 0;
  #isOver = false;

  constructor(
    clock: Clock,
    find: () => Promise<readonly DeadlockLink[] | undefined>,
    onFound: (cycle: readonly DeadlockLink[]) => void,
  ) {
    this.#clock = clock;
    this.#find = find;
    this.#onFound = onFound;
    this.#arm(CONFIRM_MS);
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.clear();
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(delayMs, () => void this.#look(), { keepsProcessAlive: false });
  }

  async #look(): Promise<void> {
    // What cannot be seen is not there: the wait goes on to its own deadline.
    const cycle = await this.#find().catch(() => undefined);
    if (this.#isOver) return;
    const isKnown = cycle !== undefined && this.#suspect !== undefined && isSameCycle(cycle, this.#suspect);
    this.#timesSeen = isKnown ? this.#timesSeen + 1 : 1;
    if (isKnown && this.#timesSeen >= looksNeeded(cycle)) {
      this.stop();
      this.#onFound(cycle);
      return;
    }
    this.#suspect = cycle;
    // Two contenders that start together need a second look each before either sees the other waiting.
    const isSoon = cycle !== undefined || ++this.#looks < 2;
    this.#arm(isSoon ? CONFIRM_MS : Math.min(LATEST_MS, LATER_MS * 2 ** (this.#looks - 2)));
  }
}

function looksNeeded([self, ...others]: readonly DeadlockLink[]): number {
  return self !== undefined && others.every((link) => link.pid < self.pid) ? 2 : 3;
}
