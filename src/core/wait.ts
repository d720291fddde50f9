import type { Attempt } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { Target } from './namespace.js';
import type { ResolvedOptions } from './options.js';
import type { Clock, Timer } from './time.js';
import { noteUnsettled } from './unsettled.js';

/** Why a wait ended early. {@link Wait.signal} aborts with this value. */
export type WaitEnd =
  | { readonly kind: 'timeout' }
  | { readonly kind: 'deadlock'; readonly cycle: readonly DeadlockLink[] }
  | { readonly kind: 'canceled'; readonly reason: unknown };

/**
 * The one deadline of a call and its caller's signal, joined into one end that everything below listens to. Made only
 * if a call has to wait.
 */
export class Wait {
  readonly startedAt: number;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #controller: AbortController | undefined;
  #ended: WaitEnd | undefined;
  /** One is enough: a call does one thing at a time. It stands in the queue, waits for an answer, or pauses. */
  #listener: (() => void) | undefined;
  #timer: Timer | undefined;
  #stopListening: (() => void) | undefined;

  constructor({ namespace: { clock } }: Target, { timeout, signal }: ResolvedOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeout.ms;
    this.startedAt = clock.now() - timeout.elapsedMs;
    if (timeout.ms !== Infinity) {
      this.#timer = clock.setTimer(timeout.leftMs, () => this.end({ kind: 'timeout' }));
    }
    if (signal === undefined) return;
    const abort = (): void => this.end({ kind: 'canceled', reason: signal.reason });
    if (signal.aborted) abort();
    else this.#stopListening = onAbortOf(signal, abort);
  }

  // Made lazily: it costs a tenth of a round trip to an engine, and an attempt that is granted at once needs none.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended);
    }
    return this.#controller.signal;
  }

  /** Milliseconds to the deadline, at least one: 0 would mean a single try. */
  get leftMs(): number {
    return Math.max(1, this.#timeoutMs - (this.#clock.now() - this.startedAt));
  }

  /** Undefined while the wait goes on. */
  get ended(): WaitEnd | undefined {
    return this.#ended;
  }

  /** Ends the wait. The first end stands. */
  end(end: WaitEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = end;
    this.#listener?.();
    this.#controller?.abort(end);
  }

  /** Calls `listener` when the wait ends, before `signal` aborts. Returns a function that removes it. */
  onEnd(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** Waits `delayMs`; rejects with the {@link WaitEnd} if the wait ends before that. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const stopListening = this.onEnd(() => {
        timer.clear();
        reject(this.#ended);
      });
      const timer = this.#clock.setTimer(delayMs, () => {
        stopListening();
        resolve();
      });
    });
  }

  /**
   * The outcome of `attempt`; rejects with the {@link WaitEnd} as soon as the wait ends. A grant that arrives after
   * that is released: the caller has its answer already, that it does not hold.
   */
  outcomeOf(attempt: Attempt | Promise<Attempt>): Attempt | Promise<Attempt> {
    if (!(attempt instanceof Promise)) return attempt;
    return new Promise((resolve, reject) => {
      const onEnd = (): void => {
        releaseLate(attempt);
        reject(this.#ended);
      };
      if (this.#ended !== undefined) return onEnd();
      // In the same microtask as the outcome: an end in the next one must not release what is passed on already.
      const stopListening = this.onEnd(onEnd);
      attempt.then(
        (outcome) => {
          stopListening();
          resolve(outcome);
        },
        (error: unknown) => {
          stopListening();
          reject(error);
        },
      );
    });
  }

  /** The call is over: clears the timer and the listener. */
  close(): void {
    this.#timer?.clear();
    this.#stopListening?.();
  }
}

/** Releases the grant of an attempt whose caller no longer waits for it. */
export function releaseLate(attempt: Attempt | Promise<Attempt>): void {
  // The caller has its error already.
  noteUnsettled(
    Promise.resolve(attempt).then((late) => (late.kind === 'granted' ? late.grant.release() : undefined)),
  );
}

const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fn` when `signal` aborts, through one listener per signal for any number of calls: from the 11th listener on
 * Node 20 warns of a leak (MaxListenersExceededWarning), and removing one of many searches them all.
 *
 * @param signal not aborted yet.
 * @returns a function that removes `fn`.
 */
function onAbortOf(signal: AbortSignal, fn: () => void): () => void {
  const known = abortListeners.get(signal);
  if (known !== undefined) {
    known.add(fn);
    return () => void known.delete(fn);
  }
  const added = new Set([fn]);
  abortListeners.set(signal, added);
  signal.addEventListener(
    'abort',
    () => {
      abortListeners.delete(signal);
      for (const each of added) each();
    },
    { once: true },
  );
  return () => void added.delete(fn);
}
