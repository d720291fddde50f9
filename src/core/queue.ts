import type { Mode } from './backend.js';

/** A caller in a {@link ResourceQueue}. */
interface Waiter {
  readonly mode: Mode;
  readonly onTurn: () => void;
}

/** Leaves the queue. False if this caller is at the head already; then it must leave the head instead. */
export type LeaveQueue = () => boolean;

/**
 * The callers of one thread that want one resource, in order of arrival. Only the caller at the head of the queue
 * talks to the backend; the others wait here without a thread, a descriptor or a timer.
 *
 * INV-QUEUE-1 At most one caller is at the head.
 * INV-QUEUE-2 No caller gets to the head while a local holder excludes it: the backend would only refuse it.
 * INV-QUEUE-3 Callers get to the head in order of arrival; a caller that gave up is skipped and delays no other.
 */
export class ResourceQueue {
  readonly #onIdle: () => void;
  readonly #waiters = new Set<Waiter>();
  #headMode: Mode | undefined;
  #exclusiveWaiters = 0;
  #isExclusivelyHeld = false;
  #sharedHolds = 0;
  #isPaused = false;
  /**
   * The last hold was long. A caller that acquires again right after a long hold nearly always wins against processes
   * that the kernel has only just woken; the backend is asked to let those go first.
   */
  wasHeldLong = false;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Holders in this thread leave room for one more of `mode`. */
  hasRoomFor(mode: Mode): boolean {
    return !this.#isExclusivelyHeld && (mode === 'shared' || this.#sharedHolds === 0);
  }

  /**
   * A try of `mode` may go ahead. It may pass waiters, as try-locks do everywhere, with one exception: readers that
   * pass a writer, overlapping each other, would keep it waiting for ever.
   */
  admitsTry(mode: Mode): boolean {
    return this.hasRoomFor(mode) && (mode === 'exclusive' || !this.hasWaitingWriter);
  }

  get hasWaitingWriter(): boolean {
    return this.#exclusiveWaiters > 0 || this.#headMode === 'exclusive';
  }

  /** Takes the head if no caller is ahead. */
  tryTakeHead(mode: Mode): boolean {
    if (this.#waiters.size > 0 || !this.#isHeadFree(mode)) return false;
    this.#headMode = mode;
    return true;
  }

  /** Joins the end of the queue; `onTurn` runs once, when this caller is at the head. */
  join(mode: Mode, onTurn: () => void): LeaveQueue {
    const waiter: Waiter = { mode, onTurn };
    this.#waiters.add(waiter);
    if (mode === 'exclusive') this.#exclusiveWaiters++;
    return () => {
      if (!this.#remove(waiter)) return false;
      // This waiter may have been all that kept a compatible follower from the head.
      this.#advance();
      return true;
    };
  }

  /** Counts a hold that was granted without the head: a try, or a synchronous acquire. */
  addHold(mode: Mode): void {
    if (mode === 'exclusive') this.#isExclusivelyHeld = true;
    else this.#sharedHolds++;
  }

  /** The caller at the head has its grant. */
  leaveHeadHolding(mode: Mode): void {
    this.addHold(mode);
    this.leaveHead();
  }

  /** The caller at the head gave up or failed. */
  leaveHead(): void {
    this.#headMode = undefined;
    this.#advance();
  }

  removeHold(mode: Mode): void {
    if (mode === 'exclusive') this.#isExclusivelyHeld = false;
    else this.#sharedHolds--;
    this.#advance();
  }

  /** Lets no caller to the head until {@link resume}, so that other processes get their chance. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#advance();
  }

  /** A caller is trying, or waits at the backend. */
  get isHeadTaken(): boolean {
    return this.#headMode !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  #isHeadFree(mode: Mode): boolean {
    return this.#headMode === undefined && !this.#isPaused && this.hasRoomFor(mode);
  }

  #remove(waiter: Waiter): boolean {
    if (!this.#waiters.delete(waiter)) return false;
    if (waiter.mode === 'exclusive') this.#exclusiveWaiters--;
    return true;
  }

  #advance(): void {
    for (const waiter of this.#waiters) {
      if (!this.#isHeadFree(waiter.mode)) return;
      this.#remove(waiter);
      this.#headMode = waiter.mode;
      waiter.onTurn();
      return;
    }
    const isHeld = this.#isExclusivelyHeld || this.#sharedHolds > 0;
    if (this.#headMode === undefined && !this.#isPaused && !isHeld) this.#onIdle();
  }
}
