import type { Contention } from './contention.js';
import { HeldGuard, type Guard } from './guard.js';
import type { Target } from './namespace.js';
import type { ResolvedOptions } from './options.js';
import { Waiter, type PassHold, type ResourceQueue } from './queue.js';
import { canTakeOver, newRequest, queueMode } from './request.js';
import type { Wait, WaitListener } from './wait.js';

/** A call that has to wait, and what it waits with. */
export interface Waiting {
  readonly queue: ResourceQueue;
  readonly wait: Wait;
  readonly contention: Contention;
  /** Called in the microtask of the grant: a promise of the result would be later than the grant of the next caller. */
  readonly resolve: (guard: Guard) => void;
  readonly reject: (error: unknown) => void;
}

/** The call behind a {@link Turn}. */
export interface QueuedCall {
  readonly target: Target;
  readonly options: ResolvedOptions;
  /** This call is at the head of the queue. Never rejects. */
  acquireAtHead(waiting: Waiting): Promise<void>;
  /** The wait is over, and this call is in the queue no longer. Never rejects. */
  fail(waiting: Waiting, error: unknown): Promise<void>;
}

/**
 * A call in the queue of its thread. It is at the head in time, gets the hold that the call before it passes on, or its
 * wait ends first. One object for all that: of 100 000 callers each keeps one.
 */
export class Turn extends Waiter implements WaitListener, Waiting {
  readonly mode;
  readonly queue;
  readonly wait;
  readonly contention;
  readonly resolve;
  readonly reject;
  readonly #call: QueuedCall;
  /** The hold that the caller before has passed on, until it is handed out. */
  #passed: HeldGuard | undefined = undefined;

  /** Joins the queue. */
  constructor(call: QueuedCall, waiting: Waiting) {
    super();
    this.mode = queueMode(call.options);
    this.queue = waiting.queue;
    this.wait = waiting.wait;
    this.contention = waiting.contention;
    this.resolve = waiting.resolve;
    this.reject = waiting.reject;
    this.#call = call;
    this.wait.listen(this);
    this.queue.join(this);
  }

  onTurn(): void {
    this.wait.stopListening(this);
    // Not at once: what the one who made room does next, in the same turn, still finds the lock free.
    inMicrotask(() => void this.#call.acquireAtHead(this));
  }

  takeOver(pass: PassHold): boolean {
    const { target, options } = this.#call;
    if (!canTakeOver(options)) return false;
    const request = newRequest(target, options, this.queue, this.wait.leftMs);
    const grant = pass(request);
    if (grant === undefined) return false;
    this.#passed = new HeldGuard(target, this.queue, request, grant);
    // Not at once: the caller may yet cancel in this turn, and listeners have no place in the release of another.
    inMicrotask(() => this.#handOut());
    return true;
  }

  onWaitEnd(): void {
    const passed = this.#passed;
    this.#passed = undefined;
    if (passed !== undefined) void passed.release();
    // Neither: this caller got to the head in this same turn, and leaves it by itself.
    if (passed !== undefined || this.queue.leave(this)) void this.#call.fail(this, this.wait.ended);
  }

  #handOut(): void {
    const passed = this.#passed;
    if (passed === undefined) return;
    this.#passed = undefined;
    this.wait.close();
    this.contention.finish('acquired');
    this.resolve(passed);
  }
}

/** Not queueMicrotask(): the fake timers of test runners replace that. */
function inMicrotask(fn: () => void): void {
  void Promise.resolve().then(fn);
}
