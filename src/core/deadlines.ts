import type { Clock, Timer } from './clock.js';

/** Where something has to be done if it does not end before. */
export interface Deadline {
  /** On {@link Clock.now}. */
  readonly at: number;
  readonly onReached: () => void;
}

/**
 * Deadlines that are hardly ever reached, on one timer: setting and clearing a timer of its own for each answer that comes
 * in time costs a tenth of a round trip to an engine on the same host. The timer stays armed when a deadline goes; it
 * finds out then what is the next. It never keeps the process alive: what is waited for does.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #pending = new Set<Deadline>();
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

  remove(deadline: Deadline): void {
    this.#pending.delete(deadline);
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
