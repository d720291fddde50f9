import type { Attempt } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { Namespace, Target } from './namespace.js';
import type { ResolvedOptions } from './options.js';
import { Deadline } from './deadlines.js';
import type { Clock } from './time.js';
import { noteUnsettled } from './unsettled.js';

/** Why a wait ended early. {@link Wait.signal} aborts with this value. */
export type WaitEnd =
  | { readonly kind: 'timeout' }
  | { readonly kind: 'deadlock'; readonly cycle: readonly DeadlockLink[] }
  | { readonly kind: 'canceled'; readonly reason: unknown };

export interface WaitListener {
  /** Runs before the signal of the wait aborts. */
  onWaitEnd(): void;
}

/**
 * The one deadline of a call and its caller's signal, joined into one end that everything below listens to. Made only
 * if a call has to wait.
 */
export class Wait extends Deadline {
  readonly startedAt: number;
  readonly #namespace: Namespace;
  readonly #timeoutMs: number;
  #controller: AbortController | undefined;
  #ended: WaitEnd | undefined;
  /** One is enough: a call does one thing at a time. It stands in the queue, waits for an answer, or pauses. */
  #listener: WaitListener | undefined;
  #stopListeningToCaller: (() => void) | undefined;

  constructor({ namespace }: Target, { timeout, signal }: ResolvedOptions) {
    super();
    this.#namespace = namespace;
    this.#timeoutMs = timeout.ms;
    this.startedAt = namespace.clock.now() - timeout.elapsedMs;
    if (timeout.ms !== Infinity) namespace.deadlines.add(this, timeout.leftMs);
    if (signal === undefined) return;
    const abort = (): void => this.end({ kind: 'canceled', reason: signal.reason });
    if (signal.aborted) abort();
    else this.#stopListeningToCaller = onAbortOf(signal, abort);
  }

  onDue(): void {
    this.end({ kind: 'timeout' });
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
    this.#listener?.onWaitEnd();
    this.#controller?.abort(end);
  }

  /** `listener` is called with the end of the wait, until {@link stopListening}. */
  listen(listener: WaitListener): void {
    this.#listener = listener;
  }

  stopListening(listener: WaitListener): void {
    if (this.#listener === listener) this.#listener = undefined;
  }

  /** Waits `delayMs`; rejects with the {@link WaitEnd} if the wait ends before that. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const listener = {
        onWaitEnd: () => {
          timer.clear();
          reject(this.#ended);
        },
      };
      this.listen(listener);
      const timer = this.#clock.setTimer(delayMs, () => {
        this.stopListening(listener);
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
      const listener = {
        onWaitEnd: () => {
          releaseLate(attempt);
          reject(this.#ended);
        },
      };
      if (this.#ended !== undefined) return listener.onWaitEnd();
      // In the same microtask as the outcome: an end in the next one must not release what is passed on already.
      this.listen(listener);
      attempt.then(
        (outcome) => {
          this.stopListening(listener);
          resolve(outcome);
        },
        (error: unknown) => {
          this.stopListening(listener);
          reject(error);
        },
      );
    });
  }

  get #clock(): Clock {
    return this.#namespace.clock;
  }

  /** The call is over: removes the deadline and the listener of the caller's signal. */
  close(): void {
    this.#namespace.deadlines.remove(this);
    this.#stopListeningToCaller?.();
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
