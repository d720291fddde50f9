import type { AcquireRequest, Backend } from './backend.js';
import type { Contention } from './contention.js';
import { isLockError } from './errors.js';
import { backoffDelayMs } from './time.js';
import type { Wait } from './wait.js';

/** How soon a server that was there is asked again. */
const REACH_AGAIN = { firstMs: 100, capMs: 2_000 };

/**
 * What one wait does about a server that goes away: once the server has answered, an outage does not end the wait. Its
 * deadline does, and then the outage is the error, since it is not known whether the lock was still held.
 */
export class Outages {
  readonly #backend: Backend;
  readonly #wait: Wait;
  readonly #contention: Contention;
  #hasAnswered = false;
  #failures = 0;
  /** Sent, and not answered yet. */
  #pending: AcquireRequest | undefined;

  constructor(backend: Backend, wait: Wait, contention: Contention) {
    this.#backend = backend;
    this.#wait = wait;
    this.#contention = contention;
  }

  noteRequest(request: AcquireRequest): void {
    this.#pending = request;
  }

  /** The server answered that others hold the lock. */
  noteAnswer(): void {
    this.#pending = undefined;
    this.#hasAnswered = true;
    this.#failures = 0;
    this.#contention.outage = undefined;
  }

  /** The outage, if `error` is the deadline and passed during one, or before any answer; else `error`. */
  async orOutage(error: unknown): Promise<unknown> {
    const { ended } = this.#wait;
    if (error !== ended || ended?.kind !== 'timeout') return error;
    if (this.#contention.outage !== undefined) return this.#contention.outage;
    if (this.#hasAnswered || this.#pending === undefined) return error;
    return (await this.#backend.unanswered?.(this.#pending)) ?? error;
  }

  /** Resolves when it is time to ask again. Rejects with what ends the wait: `error` itself, unless it is an outage. */
  async outlast(error: unknown): Promise<void> {
    if (!isLockError(error) || this.#backend.isOutage?.(error) !== true) throw await this.orOutage(error);
    if (!this.#hasAnswered) throw error;
    this.#contention.outage = error;
    try {
      await this.#wait.pause(backoffDelayMs(++this.#failures, REACH_AGAIN));
    } catch (end) {
      throw this.#wait.ended?.kind === 'timeout' ? error : end;
    }
  }
}
