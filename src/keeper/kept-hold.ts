import type { Grant } from '../core/backend.js';
import type { Clock, Timer } from '../core/clock.js';
import type { LossReason } from '../core/errors.js';
import type { LeaseClock } from '../core/lease.js';
import type { LeaseCell } from './cell.js';

/**
 * The owner's view of a kept lease. Loss is told by whichever comes first: the worker's message, or this thread's own
 * timer at the shared deadline, which needs no worker.
 */
export class KeptHold {
  readonly #cell: LeaseCell;
  readonly #clock: Clock;
  readonly #leaseClock: LeaseClock;
  #listener: ((reason: LossReason) => void) | undefined;
  #timer: Timer | undefined;
  #isReleased = false;

  constructor(cell: LeaseCell, clock: Clock, leaseClock: LeaseClock) {
    this.#cell = cell;
    this.#clock = clock;
    this.#leaseClock = leaseClock;
  }

  lose(reason: LossReason): void {
    this.#timer?.clear();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.(this.#cell.end(reason));
  }

  /** The grant to be given out in place of the backend's own. */
  grant(asked: Grant, release: () => Promise<void>): Grant {
    return {
      ...asked,
      check: (marginMs) => this.#cell.check(this.#leaseClock.now(), marginMs),
      onLost: (listener) => {
        this.#listener = listener;
        this.#watch();
      },
      release: () => {
        this.#isReleased = true;
        this.#listener = undefined;
        this.#timer?.clear();
        return release();
      },
    };
  }

  #watch(): void {
    if (this.#isReleased) return;
    const now = this.#leaseClock.now();
    const lossReason = this.#cell.check(now, 0);
    if (lossReason !== undefined) return this.lose(lossReason);
    const remainingMs = this.#cell.deadline - now;
    this.#timer = this.#clock.setTimer(remainingMs, () => this.#watch(), { keepsProcessAlive: false });
  }
}
