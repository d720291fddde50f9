import type { LossReason } from '../core/errors.js';

/** Index 0 is "held": everything after it is final. */
const STATES = ['held', 'expired', 'taken', 'session-ended', 'record-missing'] as const;
const HELD = 0;
const STATUS_INDEX = 0;
const DEADLINE_INDEX = 1;
const SIZE_BYTES = 16;

/**
 * One lease's deadline and fate in memory that the owner's thread and the worker share, so that the owner's
 * `assertHeld` sees a loss, and the worker's work, without a turn of the event loop.
 *
 * A lost cell never becomes held again (INV-LEASE-7): the status leaves "held" once, by compare-and-swap, and an
 * extension that races with it changes nothing but a deadline that nobody reads any more.
 */
export class LeaseCell {
  readonly buffer: SharedArrayBuffer;
  readonly #status: Int32Array;
  /** Microseconds: a double cannot be stored atomically. */
  readonly #deadline: BigInt64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#status = new Int32Array(buffer, 0, 1);
    this.#deadline = new BigInt64Array(buffer);
  }

  static create(deadline: number): LeaseCell {
    const cell = new LeaseCell(new SharedArrayBuffer(SIZE_BYTES));
    cell.extend(deadline);
    return cell;
  }

  get deadline(): number {
    return Number(Atomics.load(this.#deadline, DEADLINE_INDEX)) / 1_000;
  }

  get lossReason(): LossReason | undefined {
    const status = Atomics.load(this.#status, STATUS_INDEX);
    return status === HELD ? undefined : (STATES[status] as LossReason);
  }

  extend(deadline: number): void {
    Atomics.store(this.#deadline, DEADLINE_INDEX, BigInt(Math.floor(deadline * 1_000)));
  }

  /** Ends the hold for good. The first reason stands and is returned. */
  end(reason: LossReason): LossReason {
    Atomics.compareExchange(this.#status, STATUS_INDEX, HELD, STATES.indexOf(reason));
    return this.lossReason as LossReason;
  }

  /** Undefined while held for `marginMs` more; what lies beyond the deadline is lost. */
  check(now: number, marginMs: number): LossReason | undefined {
    const reason = this.lossReason;
    if (reason !== undefined) return reason;
    const remainingMs = this.deadline - now;
    if (remainingMs <= 0) return this.end('expired');
    return remainingMs <= marginMs ? 'expired' : undefined;
  }
}
