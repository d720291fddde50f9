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
