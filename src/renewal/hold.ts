import type { Grant } from '../core/backend.js';
import type { Clock, Timer, Deadline, Deadlines } from '../core/time.js';
import { LockError } from '../core/errors.js';
import type { LossReason, LeaseClock } from '../core/lease.js';
import type { LeaseCell } from './shared-state.js';

/** What is left to put away after a loss is worth no more waiting than this. */
const LOST_RELEASE_MS = 1_000;

/** A worker that has not answered after this is stuck, in a call to a dead file server most likely. */
const ARMED_WITHIN_MS = 10_000;

export interface KeptHoldContext {
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  /** Of all holds. */
  readonly deadlines: Deadlines;
}

/**
 * The owner's view of a kept lease. Loss is reported by what comes first: the worker's message, or this thread's own
 * timer at the shared deadline, which needs no worker.
 */
export class KeptHold {
  readonly #cell: LeaseCell;
  readonly #clock: Clock;
  readonly #leaseClock: LeaseClock;
  #listener: ((reason: LossReason) => void) | undefined;
  readonly #deadlines: Deadlines;
  #end: Deadline | undefined;
  #isReleased = false;
  /** The listener that waits for the first renewal. */
  #onNews: (() => void) | undefined;
  #covering: Promise<void> | undefined;

  constructor(cell: LeaseCell, { clock, leaseClock, deadlines }: KeptHoldContext) {
    this.#cell = cell;
    this.#deadlines = deadlines;
    this.#clock = clock;
    this.#leaseClock = leaseClock;
  }

  /** Of the worker, or of the loop in its place. */
  noteRenewal(): void {
    this.#onNews?.();
  }

  lose(reason: LossReason): void {
    this.#forgetEnd();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.(this.#cell.end(reason));
    this.#onNews?.();
  }

  /** Held, and for `freshMs` more. */
  isFresh(freshMs: number): boolean {
    return this.#cell.check(this.#leaseClock.now(), freshMs) === undefined;
  }

  /**
   * Waits until the renewal runs and the lease lasts for `freshMs`: a grant must not be given out with its end at hand
   * because a thread was slow to start. Resolves with the reason when the lease ends before that, at its deadline or
   * after {@link ARMED_WITHIN_MS} at the latest, whatever the worker does. Rejects as `running` does.
   */
  settled(running: Promise<void> | undefined, freshMs: number): Promise<LossReason | undefined> {
    return new Promise((resolve, reject) => {
      let isRunning = running === undefined;
      let timer: Timer | undefined;
      const giveUpAt = this.#leaseClock.now() + ARMED_WITHIN_MS;
      const look = (): void => {
        timer?.clear();
        const now = this.#leaseClock.now();
        const remainingMs = this.#cell.deadline - now;
        const isReady = isRunning && remainingMs >= freshMs;
        const lossReason = !isReady && now >= giveUpAt ? this.#cell.end('expired') : this.#cell.check(now, 0);
        if (lossReason === undefined && !isReady) {
          timer = this.#clock.setTimer(Math.min(remainingMs, giveUpAt - now), look);
          return;
        }
        this.#onNews = undefined;
        resolve(lossReason);
      };
      this.#onNews = look;
      const onRunning = (): void => {
        isRunning = true;
        this.#onNews?.();
      };
      const onFailure = (error: unknown): void => {
        timer?.clear();
        this.#onNews = undefined;
        reject(error);
      };
      // Listened to before the first look, which may be the last.
      running?.then(onRunning, onFailure);
      look();
    });
  }

  /** The grant to be given out in place of the backend's own. */
  grant(
    asked: Grant,
    runner: { release(): Promise<void>; abandon(): void; publish(fd: number): void },
  ): Grant {
    const release = (): Promise<void> => runner.release();
    const abandon = (): void => runner.abandon();
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
        this.#forgetEnd();
        // What is still being written about the hold must not come back behind its end.
        return this.#withinLease(() => this.#covering?.then(release, release) ?? release(), abandon);
      },
      tether: { deadline: () => this.#cell.deadline, publish: (descriptor) => runner.publish(descriptor) },
      ...(asked.coverProcess && { coverProcess: (pid) => this.#cover(asked, pid) }),
    };
  }

  async #cover(asked: Grant, pid: number): Promise<void> {
    // A hold that is over writes nothing: its record may have been swept by the next.
    if (this.#isReleased || this.#cell.check(this.#leaseClock.now(), 0) !== undefined) return;
    const write = async (): Promise<void> => asked.coverProcess?.(pid);
    this.#covering = this.#covering?.then(write, write) ?? write();
    await this.#covering;
  }

  /**
   * A store that hangs (a dead file server) must not hang a release: at the deadline the hold is over anyway.
   * Then no error is needed, unless it was this very release that should have ended it sooner. What is still under
   * way is abandoned: it must not keep the process alive.
   */
  #withinLease(release: () => Promise<void>, abandon: () => void): Promise<void> {
    // Before it begins: a cell that is released says no more whether it was lost.
    const isLost = this.#cell.check(this.#leaseClock.now(), 0) !== undefined;
    const remainingMs = isLost ? LOST_RELEASE_MS : this.#cell.deadline - this.#leaseClock.now();
    return new Promise((resolve, reject) => {
      const end = this.#deadlines.add(remainingMs, () => {
        if (isLost) resolve();
        else reject(hungRelease());
        abandon();
      });
      release().then(
        () => {
          this.#deadlines.remove(end);
          resolve();
        },
        (error: unknown) => {
          this.#deadlines.remove(end);
          reject(error);
        },
      );
    });
  }

  #forgetEnd(): void {
    if (this.#end !== undefined) this.#deadlines.remove(this.#end);
  }

  #watch(): void {
    if (this.#isReleased) return;
    const now = this.#leaseClock.now();
    const lossReason = this.#cell.check(now, 0);
    if (lossReason !== undefined) return this.lose(lossReason);
    const remainingMs = this.#cell.deadline - now;
    this.#end = this.#deadlines.add(remainingMs, () => this.#watch());
  }
}

function hungRelease(): LockError {
  return new LockError(
    'Could not release the lease: no answer came before it ended by itself. Others get the lock a little later.',
    { code: 'HOLDFAST_IO' },
  );
}
