import type { Clock, Timer, TimerOptions } from '../core/time.js';
import { replaceClock } from '../platform/clock.js';

interface PendingTimer {
  readonly atMs: number;
  readonly fn: () => void;
}

/** Time for the locks of this thread, which stands still until a test lets it go on. */
export interface FakeTime {
  /** Milliseconds since `fakeTime()`. */
  readonly elapsedMs: number;
  /**
   * Lets `durationMs` pass: what is due happens in its order, each with the clock at its time. Resolves when the
   * promises and callbacks that follow from it have run.
   *
   * @throws what a callback that was due throws.
   */
  advance(durationMs: number): Promise<void>;
  /** Returns to real time. Waits that started in fake time never end by themselves. Never throws. */
  restore(): void;
  /** Calls `restore()`. */
  [Symbol.dispose](): void;
}

/**
 * Puts a clock of the test in the place of the real one, for everything in this thread that holdfast waits for or dates:
 * timeouts, pauses between two tries, progress of `onWait`, ages in a cache. The fake timers of vitest, jest and sinon do
 * not touch those. Leases are renewed in a thread of their own, and processes have their own time: both stay real.
 *
 * @throws Error while another fake time is in use.
 * @example
 * const time = fakeTime();
 * const waiting = acquire('memory:#job', { timeoutMs: 60_000 });
 * await time.advance(60_000);
 * await waiting.catch((error) => error.code); // HOLDFAST_TIMEOUT
 * time.restore();
 */
export function fakeTime(): FakeTime {
  let nowMs = 0;
  let timers: PendingTimer[] = [];

  const setTimer = (delayMs: number, fn: () => void, _options?: TimerOptions): Timer => {
    const timer = { atMs: nowMs + delayMs, fn };
    timers.push(timer);
    return { clear: () => (timers = timers.filter((other) => other !== timer)) };
  };
  const restore = replaceClock((real: Clock) => {
    const [start, wallStart] = [real.now(), real.wallNow()];
    return {
      now: () => start + nowMs,
      wallNow: () => wallStart + nowMs,
      setTimer,
      yieldTurn: (fn) => real.yieldTurn(fn),
    };
  });
  const settled = (): Promise<void> => new Promise((resolve) => restore.real.yieldTurn(resolve));

  async function advance(durationMs: number): Promise<void> {
    const endMs = nowMs + durationMs;
    await settled();
    for (;;) {
      const [next] = timers.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      timers = timers.filter((other) => other !== next);
      nowMs = Math.max(nowMs, next.atMs);
      next.fn();
      await settled();
    }
    nowMs = endMs;
    await settled();
  }

  return {
    get elapsedMs() {
      return nowMs;
    },
    advance,
    restore: () => restore(),
    [Symbol.dispose]: () => restore(),
  };
}
