import type { Clock, Timer } from '../../src/core/time.js';

/** A clock that stands still until it is told to go. Timers run in their order, with the clock at their time. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly fn: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }
  wallNow(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }
  setTimer(delayMs: number, fn: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, fn };
    this.#timers.push(timer);
    return { clear: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }
  yieldTurn(fn: () => void): void {
    setImmediate(fn);
  }

  /** Goes on from timer to timer until `work` has settled. */
  async runUntilSettled(work: Promise<unknown>): Promise<void> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    await this.runUntil(() => isSettled);
  }

  /** Goes on from timer to timer until `isSo` answers true. */
  async runUntil(isSo: () => boolean): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isSo()) return;
      this.#timers.sort((a, b) => a.atMs - b.atMs);
      const next = this.#timers.shift();
      if (next === undefined) continue;
      this.#nowMs = next.atMs;
      next.fn();
    }
  }
}
