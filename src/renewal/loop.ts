import type { Clock, Timer } from '../core/time.js';
import {
  type LossReason,
  renewalIntervalMs,
  renewalRetryMs,
  settleRenewal,
  type LeaseClock,
  type Renewal,
  type RenewalOutcome,
} from '../core/lease.js';
import type { LeaseCell } from './shared-state.js';

export interface RenewalLoopContext {
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  readonly durationMs: number;
  /** Nothing is renewed while this is true. */
  isOwnerStalled(): boolean;
  /** The hold lasts until this deadline now. */
  onExtended?(deadline: number): void;
  onRenewed(remainingMs: number, error: unknown): void;
  onLost(reason: LossReason): void;
}

/** Renews one lease until it is lost or stopped. Runs in the worker, or on the owner's loop. */
export class RenewalLoop {
  readonly #renewal: Renewal;
  readonly #cell: LeaseCell;
  readonly #context: RenewalLoopContext;
  #timer: Timer | undefined;
  #attempt: Promise<void> = Promise.resolve();
  #isStopped = false;
  #unwatch: (() => void) | undefined;

  constructor(renewal: Renewal, cell: LeaseCell, context: RenewalLoopContext) {
    this.#renewal = renewal;
    this.#cell = cell;
    this.#context = context;
  }

  start(): void {
    const { durationMs, leaseClock } = this.#context;
    const sentAt = this.#cell.deadline - durationMs;
    const cell = this.#cell;
    this.#unwatch = this.#renewal.watch?.({
      get isOver() {
        return cell.isReleased || cell.lossReason !== undefined;
      },
      lose: (reason) => {
        // Between renewals. A hold that was released meanwhile is not lost.
        if (!this.#isStopped && !cell.isReleased) this.#lose(reason);
      },
    });
    this.#schedule(sentAt + renewalIntervalMs(durationMs) - leaseClock.now());
  }

  /** Resolves when nothing more will be sent. */
  stop(): Promise<void> {
    this.#end();
    return this.#attempt;
  }

  /** Ends the hold, after the attempt under way has settled: a renewal behind a release would bring it back. */
  async release(): Promise<void> {
    await this.stop();
    const isLost = this.#cell.check(this.#context.leaseClock.now(), 0) !== undefined;
    await this.#renewal.release(isLost);
  }

  #lose(reason: LossReason): void {
    this.#end();
    this.#context.onLost(this.#cell.end(reason));
  }

  #end(): void {
    this.#isStopped = true;
    this.#timer?.clear();
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    const run = (): void => {
      this.#attempt = this.#renew();
    };
    this.#timer = this.#context.clock.setTimer(Math.max(0, delayMs), run, { keepsProcessAlive: false });
  }

  async #renew(): Promise<void> {
    const { leaseClock, durationMs } = this.#context;
    const sentAt = leaseClock.now();
    if (this.#cell.isReleased) return;
    // Also when the owner's own check has ended it: a lost hold is not renewed.
    const lossReason = this.#cell.check(sentAt, 0);
    if (lossReason !== undefined) return this.#lose(lossReason);
    if (this.#context.isOwnerStalled()) return this.#schedule(renewalRetryMs(durationMs));
    const remainingMs = this.#cell.deadline - sentAt;
    let outcome: RenewalOutcome = 'again';
    let failure: unknown;
    try {
      outcome = await this.#renewal.renew(remainingMs);
    } catch (error) {
      failure = error;
    }
    const settlement = settleRenewal(outcome, sentAt, leaseClock.now(), this.#cell.deadline, durationMs);
    // Before it is reported: a listener of a renewal finds the new deadline.
    if (settlement.kind === 'held') {
      this.#cell.extend(settlement.deadline);
      this.#context.onExtended?.(settlement.deadline);
    }
    this.#context.onRenewed(remainingMs, failure);
    switch (settlement.kind) {
      case 'lost':
        return this.#lose(settlement.reason);
      case 'again':
        return this.#schedule(renewalRetryMs(durationMs));
      case 'held':
        return this.#schedule(sentAt + renewalIntervalMs(durationMs) - leaseClock.now());
    }
  }
}
