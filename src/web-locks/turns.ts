import type { Guard } from '../core/guard.js';
import type { LockMode } from './request.js';

/** A request of this manager that holds its lock. */
export interface Hold {
  readonly mode: LockMode;
  readonly guard: Guard;
  /** It was stolen: its promise is settled, and its guard belongs to the thief or is released. */
  isBroken: boolean;
  /** Settles its promise with the AbortError of a steal. */
  readonly breakOff: () => void;
}

/** A request that waits for its turn. */
export interface Waiter {
  readonly mode: LockMode;
  /** Asks for the lock itself, and resolves once that is granted or has failed. Called at most once at a time. */
  readonly start: () => Promise<'over' | 'again'>;
  /** Ends {@link start} with `again`. */
  readonly interrupt: () => void;
}

/**
 * The requests of one manager for one name, in the order of the specification. Only those at the head that those who hold
 * leave room for ask for the lock that other processes see.
 */
export class Turns {
  readonly held = new Set<Hold>();
  readonly #waiters: Waiter[] = [];
  /** Those who ask, and how that ends. */
  readonly #started = new Map<Waiter, Promise<void>>();

  get isIdle(): boolean {
    return this.held.size === 0 && this.#waiters.length === 0;
  }

  /** Resolves when all who ask now have been answered. */
  async whenAnswered(): Promise<void> {
    await Promise.all(this.#started.values());
  }

  /** A request of `mode` would be granted now as far as this manager is concerned. */
  isFree(mode: LockMode): boolean {
    return this.#waiters.every((waiter) => this.#started.has(waiter)) && this.#fits(mode);
  }

  join(waiter: Waiter): void {
    this.#waiters.push(waiter);
    this.advance();
  }

  /** Before all who wait; those who ask already start again after it. */
  joinFirst(waiter: Waiter): void {
    this.#waiters.unshift(waiter);
    for (const started of this.#started.keys()) started.interrupt();
    this.advance();
  }

  leave(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  /** Lets the waiters at the head ask, as far as there is room for them. */
  advance(): void {
    for (const waiter of [...this.#waiters]) {
      if (this.#started.has(waiter)) continue;
      if (!this.#fits(waiter.mode)) return;
      const asking = waiter.start().then((outcome) => {
        this.#started.delete(waiter);
        if (outcome === 'over') this.leave(waiter);
        this.advance();
      });
      this.#started.set(waiter, asking);
    }
  }

  #fits(mode: LockMode): boolean {
    const modes = [...this.held, ...this.#started.keys()].map((one) => one.mode);
    return modes.length === 0 || (mode === 'shared' && modes.every((one) => one === 'shared'));
  }
}
