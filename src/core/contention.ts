import { Deadline } from './deadlines.js';
import { ANNOUNCED_WAIT_MS, type Announcement } from './announcing.js';
import type { DeadlockLink } from './deadlock.js';
import type { DeadlockWatch } from './deadlock-watch.js';
import { deadlockOf, holdersOf } from './diagnostics.js';
import type { LockError } from './errors.js';
import type { WaitEvent } from './events.js';
import { nameOf, type Target } from './namespace.js';
import { WAIT_PROGRESS_INTERVAL_MS, type ResolvedOptions } from './options.js';
import type { Timer } from './time.js';
import type { Wait } from './wait.js';

/** Progress is emitted often for this long, and a tenth as often after it. */
const OFTEN_FOR_MS = 60_000;

/** What a waiting call reports: the events of `onWait`, and a deadlock that it is part of. */
export class Contention extends Deadline {
  readonly #target: Target;
  readonly #options: ResolvedOptions;
  readonly #wait: Wait;
  /** The failure that keeps the wait from its server at present. */
  outage: LockError | undefined;
  #isNoted = false;
  #isStarted = false;
  #isFinished = false;
  #announcement: Announcement | undefined;
  #deadlock: readonly DeadlockLink[] | undefined;
  #progressTimer: Timer | undefined;
  #watch: DeadlockWatch | undefined;

  constructor(target: Target, options: ResolvedOptions, wait: Wait) {
    super();
    this.#target = target;
    this.#options = options;
    this.#wait = wait;
  }

  /** The lock is held by others: emits `started`, then progress, and watches for a deadlock. */
  note(): void {
    const { onWait, onDeadlock } = this.#options;
    if (!this.#isNoted) this.#announceLater();
    if (this.#isStarted || (onWait === undefined && onDeadlock === 'wait')) return;
    this.#isStarted = true;
    this.#emit('started');
    if (onWait !== undefined) this.#scheduleProgress();
    if (this.#target.namespace.backend.findDeadlock !== undefined) void this.#watchForDeadlock();
  }

  /** Loaded by waits. Where it cannot be, in a bundle without the package, the wait goes on to its own deadline. */
  async #watchForDeadlock(): Promise<void> {
    const watch = await import('./deadlock-watch.js').catch(() => undefined);
    if (watch === undefined || this.#isFinished) return;
    const { clock } = this.#target.namespace;
    this.#watch = new watch.DeadlockWatch(
      clock,
      () => deadlockOf(this.#target),
      (cycle) => this.#onDeadlock(cycle),
    );
  }

  /** The wait is over: emits its outcome and clears every timer. */
  finish(outcome: 'acquired' | 'error' | 'timeout' | 'canceled' | 'deadlock'): void {
    this.#isFinished = true;
    this.#target.namespace.reminders.remove(this);
    this.#announcement?.end();
    this.#progressTimer?.clear();
    this.#watch?.stop();
    // A deadlock was emitted when it was found.
    if (this.#isStarted && outcome !== 'error' && outcome !== 'deadlock') this.#emit(outcome);
  }

  #onDeadlock(cycle: readonly DeadlockLink[]): void {
    this.#deadlock = cycle;
    this.#emit('deadlock');
    if (this.#options.onDeadlock === 'fail') this.#wait.end({ kind: 'deadlock', cycle });
  }

  #announceLater(): void {
    this.#isNoted = true;
    const { announcer, reminders } = this.#target.namespace;
    if (announcer !== undefined) reminders.add(this, ANNOUNCED_WAIT_MS);
  }

  /** The wait is long enough to be announced. */
  onDue(): void {
    const { announcer, clock, backend } = this.#target.namespace;
    const { mode, reason } = this.#options;
    this.#announcement = announcer?.announce({
      state: 'waiter',
      lock: nameOf(this.#target),
      backend: backend.name,
      mode,
      sinceAtMs: clock.wallNow() - (clock.now() - this.#wait.startedAt),
      reason,
    });
  }

  #scheduleProgress(): void {
    const { clock } = this.#target.namespace;
    // Each tick wakes a sleeping process: 300 of them were a third of the processor time of a wait of five minutes.
    const isEarly = clock.now() - this.#wait.startedAt < OFTEN_FOR_MS;
    this.#progressTimer = clock.setTimer(
      isEarly ? WAIT_PROGRESS_INTERVAL_MS : 10 * WAIT_PROGRESS_INTERVAL_MS,
      () => {
        this.#emit('progress');
        this.#scheduleProgress();
      },
      { keepsProcessAlive: false },
    );
  }

  #emit(type: WaitEvent['type']): void {
    const { mode, timeout, onWait } = this.#options;
    const target = this.#target;
    try {
      onWait?.({
        type,
        address: target.address,
        mode,
        waitedMs: target.namespace.clock.now() - this.#wait.startedAt,
        timeoutMs: timeout.ms,
        deadlock: this.#deadlock,
        outage: this.outage,
        inspect: () => holdersOf(target),
      });
    } catch (error) {
      // Reported as uncaught, like the error of any listener. Thrown into the call, it would decide over a hold.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
