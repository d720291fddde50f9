/** How long a thread keeps a lock among its own callers before the lock is freed for other processes. */
const KEPT_FOR_MS = 1;
/** How many holds may follow each other in that time. */
const HOLDS_MAX = 64;

/**
 * Holds of one thread that follow each other without the lock being freed in between: freeing and taking it again is
 * most of what a short hold costs.
 *
 * INV-HANDOFF-1 The lock is freed after at most 64 holds, and by the first of them that ends 1 ms or more after the first
 *   one began.
 * INV-HANDOFF-2 A hold that lasted longer is not passed on, nor one that is shared, has a token, or may have been
 *   inherited by a child process, nor one whose lock file is no longer at its path.
 * INV-HANDOFF-3 Each hold has its own holder id, its own record and its own end: a guard that was released never acts
 *   on the hold that follows it.
 */
export class Cohort {
  /** When the first of the holds began. */
  readonly since: number;
  #holds = 1;

  constructor(since: number) {
    this.since = since;
  }

  /** Whether one more hold may follow. After one that lasted longer than all of them may take, none does. */
  mayGrow(now: number): boolean {
    return this.#holds < HOLDS_MAX && now - this.since < KEPT_FOR_MS;
  }

  grow(): void {
    this.#holds++;
  }
}
