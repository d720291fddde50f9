import type { Clock, Timer, TimerOptions } from '../../src/core/time.js';

interface Pending {
  readonly at: number;
  readonly fn: () => void;
  readonly keepsProcessAlive: boolean;
}

/** Time that passes when the test says so. Turns of the event loop are taken by {@link takeTurns}. */
export class InventedClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Pending>();
  readonly #turns: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.#now;
  }

  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`a timer of ${delayMs} ms`);
    const pending = { at: this.#now + delayMs, fn, keepsProcessAlive: options?.keepsProcessAlive ?? true };
    this.#timers.add(pending);
    return { clear: () => void this.#timers.delete(pending) };
  }

  yieldTurn(fn: () => void): void {
    this.#turns.push(fn);
  }

  /** Fires what is due, in order; nothing runs between two timers of one advance but what they call. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = until;
  }

  takeTurns(): void {
    for (const fn of this.#turns.splice(0)) fn();
  }

  /** Timers that nobody cleared. */
  get armed(): number {
    return this.#timers.size;
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
