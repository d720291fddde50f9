import type { Clock, Timer } from '../core/time.js';
import type { LeaseClock } from '../core/lease.js';

const BEAT_MS = 1_000;

/** Counts turns of the owner's event loop in shared memory while it holds leases. */
export class Heartbeat {
  readonly buffer = new SharedArrayBuffer(8);
  readonly #count = new Int32Array(this.buffer);
  readonly #clock: Clock;
  #users = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#users++;
    if (this.#timer === undefined) this.#beat();
  }

  /** The next beat, unless it is started again by then, is the last: a timer per hold would cost more than the beats. */
  stop(): void {
    this.#users--;
  }

  /** Where this process announces its holds: the worker writes deadlines there. */
  showAt(descriptor: number): void {
    Atomics.store(this.#count, 1, descriptor);
  }

  readonly #beat = (): void => {
    this.#timer = undefined;
    if (this.#users === 0) return;
    Atomics.add(this.#count, 0, 1);
    this.#timer = this.#clock.setTimer(BEAT_MS, this.#beat, { keepsProcessAlive: false });
  };
}

/**
 * Read by the worker: true once the owner's count has stood still for `maxStallMs`. A stall of minutes must not cost
 * the lease; a loop that will never turn again must not keep it for ever.
 */
export function stallDetector(
  buffer: SharedArrayBuffer,
  maxStallMs: number,
  clock: LeaseClock,
): () => boolean {
  const count = new Int32Array(buffer);
  let seen = Atomics.load(count, 0);
  let seenAt = clock.now();
  return () => {
    const current = Atomics.load(count, 0);
    const now = clock.now();
    if (current !== seen) {
      seen = current;
      seenAt = now;
    }
    return now - seenAt >= maxStallMs;
  };
}

/** The descriptor of {@link Heartbeat.showAt}; undefined before there is one. */
export function announcementsAt(buffer: SharedArrayBuffer): number | undefined {
  return Atomics.load(new Int32Array(buffer), 1) || undefined;
}
