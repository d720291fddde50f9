import type { HolderInfo } from './backend.js';
import type { Clock, Timer } from './clock.js';
import { WAIT_PROGRESS_INTERVAL_MS, type ResolvedOptions } from './options.js';

/** Why a wait was broken off. The value with which {@link Wait.signal} aborts. */
export type WaitEnd = { readonly kind: 'timeout' } | { readonly kind: 'canceled'; readonly reason: unknown };

/**
 * One call's wait: the one deadline, the caller's signal and the feedback, joined into one AbortSignal that
 * everything below listens to. Made only once a call has to wait.
 */
export class Wait {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #options: ResolvedOptions;
  readonly #address: string;
  readonly #startedAt: number;
  readonly #inspect: () => Promise<readonly HolderInfo[]>;
  #timer: Timer | undefined;
  #progressTimer: Timer | undefined;
  #isTold = false;

  constructor(
    clock: Clock,
    options: ResolvedOptions,
    address: string,
    inspect: () => Promise<readonly HolderInfo[]>,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#address = address;
    this.#startedAt = clock.now() - options.elapsedMs;
    this.#inspect = inspect;
    if (options.timeoutMs !== Infinity) {
      this.#timer = clock.setTimer(Math.max(0, options.timeoutMs - options.elapsedMs), () =>
        this.#controller.abort({ kind: 'timeout' } satisfies WaitEnd),
      );
    }
    options.signal?.addEventListener('abort', this.#onCallerAbort, { once: true });
    if (options.signal?.aborted === true) this.#onCallerAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Undefined while the wait goes on. */
  get ended(): WaitEnd | undefined {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as WaitEnd) : undefined;
  }

  /** Others are in the way: tells the caller, now and then every second. */
  tellStarted(): void {
    if (this.#isTold || this.#options.onWait === undefined) return;
    this.#isTold = true;
    this.#tell('started');
    this.#armProgress();
  }

  /** The wait is over, whatever its outcome. Nothing is left armed. */
  finish(outcome: 'acquired' | 'timeout' | 'canceled' | 'error'): void {
    this.#timer?.clear();
    this.#progressTimer?.clear();
    this.#options.signal?.removeEventListener('abort', this.#onCallerAbort);
    if (this.#isTold && outcome !== 'error') this.#tell(outcome);
  }

  /** Waits `delayMs`, or until the wait ends; then rejects with the {@link WaitEnd}. */
  pause(delayMs: number): Promise<void> {
    const { signal } = this.#controller;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        timer.clear();
        reject(signal.reason);
      };
      const timer = this.#clock.setTimer(delayMs, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  readonly #onCallerAbort = (): void => {
    this.#controller.abort({ kind: 'canceled', reason: this.#options.signal?.reason } satisfies WaitEnd);
  };

  #armProgress(): void {
    this.#progressTimer = this.#clock.setTimer(
      WAIT_PROGRESS_INTERVAL_MS,
      () => {
        this.#tell('progress');
        this.#armProgress();
      },
      { keepsProcessAlive: false },
    );
  }

  #tell(type: 'started' | 'progress' | 'acquired' | 'timeout' | 'canceled'): void {
    const { mode, timeoutMs, onWait } = this.#options;
    const waitedMs = this.#clock.now() - this.#startedAt;
    onWait?.({ type, address: this.#address, mode, waitedMs, timeoutMs, inspect: this.#inspect });
  }
}
