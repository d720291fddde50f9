import { onAbortOf } from './abort-listeners.js';
import type { HolderInfo } from './backend.js';
import type { Clock, Timer } from './clock.js';
import type { DeadlockLink } from './deadlock.js';
import { DeadlockWatch } from './deadlock-watch.js';
import type { WaitEvent } from './events.js';
import { WAIT_PROGRESS_INTERVAL_MS, type ResolvedOptions } from './options.js';

const OFTEN_FOR_MS = 60_000;

/** Why a wait was broken off. The value with which {@link Wait.signal} aborts. */
export type WaitEnd =
  | { readonly kind: 'timeout' }
  | { readonly kind: 'deadlock'; readonly cycle: readonly DeadlockLink[] }
  | { readonly kind: 'canceled'; readonly reason: unknown };

/** What a wait asks its backend about those who are in the way. */
export interface Lookout {
  inspect(): Promise<readonly HolderInfo[]>;
  /** Absent where the backend cannot see who waits for whom. */
  findDeadlock?(): Promise<readonly DeadlockLink[] | undefined>;
}

/**
 * One call's wait: the one deadline, the caller's signal and the feedback, joined into one end that everything below
 * listens to. Made only once a call has to wait.
 */
export class Wait {
  #controller: AbortController | undefined;
  #ended: WaitEnd | undefined;
  /** A call does one thing at a time: it stands in the queue, waits for an answer, or pauses. */
  #listener: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #options: ResolvedOptions;
  readonly #address: string;
  readonly #startedAt: number;
  readonly #lookout: Lookout;
  #timer: Timer | undefined;
  #progressTimer: Timer | undefined;
  #watch: DeadlockWatch | undefined;
  #deadlock: readonly DeadlockLink[] | undefined;
  #isContended = false;
  #holders: readonly HolderInfo[] | undefined;
  #stopListening: (() => void) | undefined;

  constructor(clock: Clock, options: ResolvedOptions, address: string, lookout: Lookout) {
    this.#clock = clock;
    this.#options = options;
    this.#address = address;
    this.#startedAt = clock.now() - options.elapsedMs;
    this.#lookout = lookout;
    if (options.timeoutMs !== Infinity) {
      this.#timer = clock.setTimer(Math.max(0, options.timeoutMs - options.elapsedMs), () =>
        this.#end({ kind: 'timeout' }),
      );
    }
    const { signal } = options;
    if (signal === undefined) return;
    const abort = (): void => this.#end({ kind: 'canceled', reason: signal.reason });
    if (signal.aborted) abort();
    else this.#stopListening = onAbortOf(signal, abort);
  }

  // Made lazily: it costs a tenth of a round trip to an engine, and an attempt that is granted at once needs none.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  /** Tells one listener of the end, before `signal` does. Returns the way to stop listening. */
  onEnd(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** Undefined while the wait goes on. */
  get ended(): WaitEnd | undefined {
    return this.#ended;
  }

  /** Who was in the way of the last attempt, where the backend knew. */
  get holders(): readonly HolderInfo[] | undefined {
    return this.#holders;
  }

  /** Others are in the way: tells the caller, now and as time goes by, and watches for a deadlock. */
  noteContention(holders?: readonly HolderInfo[]): void {
    this.#holders = holders;
    const { onWait, onDeadlock } = this.#options;
    if (this.#isContended || (onWait === undefined && onDeadlock === 'wait')) return;
    this.#isContended = true;
    this.#tell('started');
    if (onWait !== undefined) this.#armProgress();
    const find = this.#lookout.findDeadlock?.bind(this.#lookout);
    if (find !== undefined) this.#watch = new DeadlockWatch(this.#clock, find, this.#onDeadlock);
  }

  /** The wait is over, whatever its outcome. Nothing is left armed. */
  finish(outcome: 'acquired' | 'error' | WaitEnd['kind']): void {
    this.#timer?.clear();
    this.#progressTimer?.clear();
    this.#watch?.stop();
    this.#stopListening?.();
    // A deadlock was told when it was seen.
    if (this.#isContended && outcome !== 'error' && outcome !== 'deadlock') this.#tell(outcome);
  }

  /** Waits `delayMs`, or until the wait ends; then rejects with the {@link WaitEnd}. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const stopListening = this.onEnd(() => {
        timer.clear();
        reject(this.#ended);
      });
      const timer = this.#clock.setTimer(delayMs, () => {
        stopListening();
        resolve();
      });
    });
  }

  readonly #onDeadlock = (cycle: readonly DeadlockLink[]): void => {
    this.#deadlock = cycle;
    this.#tell('deadlock');
    if (this.#options.onDeadlock === 'fail') this.#end({ kind: 'deadlock', cycle });
  };

  /** The first end stands. */
  #end(end: WaitEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = end;
    this.#listener?.();
    this.#controller?.abort(end);
  }

  #armProgress(): void {
    // Each tick wakes a process that sleeps: 300 of them were a third of what a wait of five minutes burnt.
    const isEarly = this.#clock.now() - this.#startedAt < OFTEN_FOR_MS;
    this.#progressTimer = this.#clock.setTimer(
      isEarly ? WAIT_PROGRESS_INTERVAL_MS : 10 * WAIT_PROGRESS_INTERVAL_MS,
      () => {
        this.#tell('progress');
        this.#armProgress();
      },
      { keepsProcessAlive: false },
    );
  }

  #tell(type: WaitEvent['type']): void {
    const { mode, timeoutMs, onWait } = this.#options;
    const waitedMs = this.#clock.now() - this.#startedAt;
    const inspect = (): ReturnType<Lookout['inspect']> => this.#lookout.inspect();
    try {
      onWait?.({
        type,
        address: this.#address,
        mode,
        waitedMs,
        timeoutMs,
        deadlock: this.#deadlock,
        inspect,
      });
    } catch (error) {
      // As for any listener that throws: uncaught, in its own name. Thrown into the call it would decide over a hold.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
