import type { LossReason } from '../core/lease.js';

/** Index 0 is "held": everything after it is final. */
const STATES = ['held', 'expired', 'taken', 'session-ended', 'record-missing'] as const;
const HELD = 0;
/** Ended on purpose. Nothing is reported, and nothing is renewed any more. */
const RELEASED = STATES.length;
const CELL_BYTES = 16;
const CELLS_PER_PAGE = 1_024;

/**
 * Shared memory for many cells: allocating some for each hold cost more than all else that a hold costs here. A cell is
 * used once; a page goes when no hold has one of its cells any more.
 */
export class CellPage {
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
  readonly status: Int32Array;
  /** Microseconds: a double cannot be stored atomically. */
  readonly deadlines: BigInt64Array;

  constructor(id: number, buffer = new SharedArrayBuffer(CELL_BYTES * CELLS_PER_PAGE)) {
    this.id = id;
    this.buffer = buffer;
    this.status = new Int32Array(buffer);
    this.deadlines = new BigInt64Array(buffer);
  }
}

let page = new CellPage(0);
let used = 0;

/**
 * One lease's deadline and fate in memory that the owner's thread and the worker share, so that the owner's
 * `assertHeld` sees a loss, and the worker's work, without a turn of the event loop.
 *
 * A lost cell never becomes held again (INV-LEASE-7): the status leaves "held" once, by compare-and-swap, and an
 * extension that races with it changes only a deadline that is not read any more.
 */
export class LeaseCell {
  readonly page: CellPage;
  /** Within the page. A cell is two 64-bit words: its status and its slot in the first, its deadline in the second. */
  readonly index: number;

  constructor(cellPage: CellPage, index: number) {
    this.page = cellPage;
    this.index = index;
  }

  static create(deadline: number): LeaseCell {
    if (used === CELLS_PER_PAGE) {
      page = new CellPage(page.id + 1);
      used = 0;
    }
    const cell = new LeaseCell(page, used++);
    cell.extend(deadline);
    return cell;
  }

  get deadline(): number {
    return Number(Atomics.load(this.page.deadlines, 2 * this.index + 1)) / 1_000;
  }

  get lossReason(): LossReason | undefined {
    const status = Atomics.load(this.page.status, 4 * this.index);
    return status === HELD || status === RELEASED ? undefined : (STATES[status] as LossReason);
  }

  get isReleased(): boolean {
    return Atomics.load(this.page.status, 4 * this.index) === RELEASED;
  }

  /** Of this process's announcements; undefined for a hold that is not announced. */
  get slot(): number | undefined {
    return Atomics.load(this.page.status, 4 * this.index + 1) || undefined;
  }

  set slot(slot: number) {
    Atomics.store(this.page.status, 4 * this.index + 1, slot);
  }

  /** Only for leases whose renewal may come after their release; see `isReleaseSafe`. */
  release(): void {
    Atomics.compareExchange(this.page.status, 4 * this.index, HELD, RELEASED);
  }

  extend(deadline: number): void {
    Atomics.store(this.page.deadlines, 2 * this.index + 1, BigInt(Math.floor(deadline * 1_000)));
  }

  /** Ends the hold for good. The first reason stands and is returned. */
  end(reason: LossReason): LossReason {
    Atomics.compareExchange(this.page.status, 4 * this.index, HELD, STATES.indexOf(reason));
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
