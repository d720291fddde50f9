/**
 * Time as the rest of the code sees it. Only `platform/clock` reads a real clock or arms a real timer, so
 * every rule about deadlines can be tested with an invented one.
 */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. Deadlines live on this axis. */
  now(): number;
  /** Milliseconds since 1970. For display and for floors only; it decides nothing. */
  wallNow(): number;
  /** Runs `fn` once after `delayMs` (>= 0; longer than 24.8 days is allowed). Returns the way to call it off. */
  setTimer(delayMs: number, fn: () => void, options?: TimerOptions): Timer;
  /** Runs `fn` on a later turn of the event loop, after pending I/O. */
  yieldTurn(fn: () => void): void;
}

export interface TimerOptions {
  /** `false` lets the process end while the timer is pending. Default `true`. */
  readonly keepsProcessAlive?: boolean;
}

export interface Timer {
  clear(): void;
}

/** Resolves after `delayMs` (>= 0); rejects with the reason of `signal` as soon as that aborts. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.clear();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

export interface BackoffOptions {
  readonly firstMs: number;
  readonly capMs: number;
}

/** How backends without a queue of their own are asked again. */
export const ACQUIRE_BACKOFF: BackoffOptions = { firstMs: 20, capMs: 1_000 };

/**
 * Delay before attempt number `attempt` (from 1): doubling up to the cap, of which the upper half is random,
 * so that contenders that failed together do not come back together.
 */
export function backoffDelayMs(
  attempt: number,
  options: BackoffOptions = ACQUIRE_BACKOFF,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(options.capMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** Where something has to be done if it does not end before. */
export interface Deadline {
  /** On {@link Clock.now}. */
  readonly at: number;
  readonly onReached: () => void;
}

/**
 * Deadlines that are hardly ever reached, on one timer: setting and clearing a timer of its own for each answer that comes
 * in time costs a tenth of a round trip to an engine on the same host. The timer keeps running when a deadline goes; it
 * finds out then what is the next. It never keeps the process alive: what is waited for does.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #pending = new Set<Deadline>();
  readonly #unread = new Set<Deadline>();
  #timer: Timer | undefined;
  #firesAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onReached` once in `delayMs`, unless the deadline is removed before. */
  add(delayMs: number, onReached: () => void): Deadline {
    const deadline = { at: this.#clock.now() + delayMs, onReached };
    this.#pending.add(deadline);
    if (deadline.at < this.#firesAt) this.#arm(deadline.at);
    return deadline;
  }

  /**
   * The same for an answer over a connection. A process that did not run for a while finds its timers due before it has
   * read what came meanwhile: that is read first, and may remove the deadline.
   */
  addForAnswer(delayMs: number, onReached: () => void): Deadline {
    const deadline = this.add(delayMs, () => {
      this.#unread.add(deadline);
      this.#clock.yieldTurn(() => {
        if (this.#unread.delete(deadline)) onReached();
      });
    });
    return deadline;
  }

  remove(deadline: Deadline): void {
    this.#pending.delete(deadline);
    this.#unread.delete(deadline);
  }

  #arm(at: number): void {
    this.#timer?.clear();
    this.#firesAt = at;
    const delayMs = Math.max(0, at - this.#clock.now());
    this.#timer = this.#clock.setTimer(delayMs, this.#fire, { keepsProcessAlive: false });
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#firesAt = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    const reached: Deadline[] = [];
    for (const deadline of this.#pending) {
      // Below a millisecond it is the timer's own rounding.
      if (deadline.at - now < 1) reached.push(deadline);
      else if (deadline.at < next) next = deadline.at;
    }
    if (next < Infinity) this.#arm(next);
    for (const deadline of reached) if (this.#pending.delete(deadline)) deadline.onReached();
  };
}
