import type { Mode } from './backend.js';

/** A caller that stands in a {@link ResourceQueue}. */
interface Waiter {
  readonly mode: Mode;
  readonly onTurn: () => void;
}

/** Gives up a place in the queue. False when its turn had already come: then the door must be left instead. */
export type LeaveQueue = () => boolean;

/**
 * The callers of one process (one thread) that want one resource, in order of arrival. One at a time stands
 * at the door and asks the backend; the others wait here without a thread, a descriptor or a timer.
 *
 * INV-QUEUE-1 At most one caller is at the door.
 * INV-QUEUE-2 Nobody comes to the door while a local holder excludes it: the backend would only say no.
 * INV-QUEUE-3 Turns are given in the order of arrival; one who gave up is skipped and delays nobody.
 */
export class ResourceQueue {
  readonly #onIdle: () => void;
  readonly #waiters = new Set<Waiter>();
  #isDoorTaken = false;
  #isExclusivelyHeld = false;
  #sharedHolds = 0;
  #isPaused = false;
  /**
   * The last hold was long. Whoever takes the lock again right after a long hold would nearly always win against those
   * that the kernel has only just woken; the backend is asked to let them go first.
   */
  wasHeldLong = false;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Holders in this process leave room for one more of `mode`. */
  hasRoomFor(mode: Mode): boolean {
    return !this.#isExclusivelyHeld && (mode === 'shared' || this.#sharedHolds === 0);
  }

  /** Takes the door if nobody is ahead. */
  tryEnter(mode: Mode): boolean {
    if (this.#waiters.size > 0 || !this.#isDoorFree(mode)) return false;
    this.#isDoorTaken = true;
    return true;
  }

  /** Joins the end of the queue; `onTurn` runs once, when this caller is at the door. */
  join(mode: Mode, onTurn: () => void): LeaveQueue {
    const waiter: Waiter = { mode, onTurn };
    this.#waiters.add(waiter);
    return () => {
      if (!this.#waiters.delete(waiter)) return false;
      // The one who left may have been all that kept a compatible follower from the door.
      this.#advance();
      return true;
    };
  }

  /** A hold that did not come through the door (a try, a synchronous take). */
  addHold(mode: Mode): void {
    if (mode === 'exclusive') this.#isExclusivelyHeld = true;
    else this.#sharedHolds++;
  }

  /** The caller at the door has its grant. */
  leaveDoorHolding(mode: Mode): void {
    this.addHold(mode);
    this.leaveDoor();
  }

  /** The caller at the door gave up or failed. */
  leaveDoor(): void {
    this.#isDoorTaken = false;
    this.#advance();
  }

  removeHold(mode: Mode): void {
    if (mode === 'exclusive') this.#isExclusivelyHeld = false;
    else this.#sharedHolds--;
    this.#advance();
  }

  /** Lets nobody to the door until {@link resume}, so that other processes get their chance. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#advance();
  }

  /** Somebody is asking the backend, or waits there. */
  get isDoorTaken(): boolean {
    return this.#isDoorTaken;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  #isDoorFree(mode: Mode): boolean {
    return !this.#isDoorTaken && !this.#isPaused && this.hasRoomFor(mode);
  }

  #advance(): void {
    for (const waiter of this.#waiters) {
      if (!this.#isDoorFree(waiter.mode)) return;
      this.#waiters.delete(waiter);
      this.#isDoorTaken = true;
      waiter.onTurn();
      return;
    }
    if (!this.#isDoorTaken && !this.#isPaused && !this.#isExclusivelyHeld && this.#sharedHolds === 0) {
      this.#onIdle();
    }
  }
}
