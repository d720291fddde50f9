import type { AcquireRequest, Grant, Mode } from './backend.js';
import type { Cohort } from './handoff.js';

/**
 * A caller that waits in a {@link ResourceQueue}, and its place there: linked by hand, because a Set is searched past
 * all that left it, and 10 000 callers leave one by one.
 */
export abstract class Waiter {
  abstract readonly mode: Mode;
  previous: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;
  isInQueue = false;
  /** Runs once, when this caller is at the head. */
  abstract onTurn(): void;
  /**
   * Runs instead of `onTurn`: this caller gets the hold that `pass` makes of the one that ends. False if there is none,
   * or if this caller wants a hold of its own from the backend; then it has done nothing, and still waits.
   */
  abstract takeOver(pass: PassHold): boolean;
}

/** Makes the hold that ends one of `request`, without freeing the lock in between. Undefined if that cannot be. */
export type PassHold = (request: AcquireRequest) => Grant | undefined;

/**
 * The callers of one thread that want one resource, in order of arrival. Only the caller at the head of the queue
 * talks to the backend; the others wait here without a thread, a descriptor or a timer.
 *
 * INV-QUEUE-1 At most one caller is at the head.
 * INV-QUEUE-2 No caller gets to the head while a local holder excludes it: the backend would only refuse it.
 * INV-QUEUE-3 Callers get to the head in order of arrival; a caller that gave up is skipped and delays no other.
 * INV-QUEUE-4 A hold is passed on only while no caller is at the head, and only to the first in the queue.
 */
export class ResourceQueue {
  readonly #onIdle: () => void;
  #first: Waiter | undefined;
  #last: Waiter | undefined;
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
  /** The exclusive hold is one of several that were passed on. */
  cohort: Cohort | undefined = undefined;

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

  get hasWaiters(): boolean {
    return this.#first !== undefined;
  }

  get hasWaitingWriter(): boolean {
    return this.#exclusiveWaiters > 0 || this.#headMode === 'exclusive';
  }

  /** Takes the head if no caller is ahead. */
  tryTakeHead(mode: Mode): boolean {
    if (this.#first !== undefined || !this.#isHeadFree(mode)) return false;
    this.#headMode = mode;
    return true;
  }

  /** Joins the end of the queue. */
  join(waiter: Waiter): void {
    waiter.previous = this.#last;
    waiter.isInQueue = true;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    if (waiter.mode === 'exclusive') this.#exclusiveWaiters++;
  }

  /** Leaves the queue. False if this caller is at the head already; then it must leave the head instead. */
  leave(waiter: Waiter): boolean {
    if (!waiter.isInQueue) return false;
    this.#remove(waiter);
    // This waiter may have been all that kept a compatible follower from the head.
    this.#advance();
    return true;
  }

  /**
   * Gives the exclusive hold that ends to the caller that waited longest, if that one takes it over. No caller may be
   * at the head, and none gets there: for the others the lock was held all the time.
   */
  passHold(pass: PassHold): boolean {
    const first = this.#first;
    if (first === undefined || this.#headMode !== undefined || this.#isPaused) return false;
    if (first.mode === 'shared') return false;
    // Before it is called: a listener may end its wait, which is too late then.
    this.#remove(first);
    if (first.takeOver(pass)) return true;
    this.#putBack(first);
    return false;
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

  #remove(waiter: Waiter): void {
    const { previous, next } = waiter;
    waiter.isInQueue = false;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    // A caller that keeps one of those that left must not keep all that were behind it.
    waiter.previous = waiter.next = undefined;
    if (waiter.mode === 'exclusive') this.#exclusiveWaiters--;
  }

  #putBack(waiter: Waiter): void {
    waiter.next = this.#first;
    waiter.isInQueue = true;
    if (this.#first === undefined) this.#last = waiter;
    else this.#first.previous = waiter;
    this.#first = waiter;
    if (waiter.mode === 'exclusive') this.#exclusiveWaiters++;
  }

  #advance(): void {
    const first = this.#first;
    if (first !== undefined) {
      if (!this.#isHeadFree(first.mode)) return;
      this.#remove(first);
      this.#headMode = first.mode;
      first.onTurn();
      return;
    }
    const isHeld = this.#isExclusivelyHeld || this.#sharedHolds > 0;
    if (this.#headMode === undefined && !this.#isPaused && !isHeld) this.#onIdle();
  }
}
