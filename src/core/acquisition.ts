import type { AcquireRequest, Attempt, Backend, Grant, Granted, HolderInfo, Mode } from './backend.js';
import { Contention } from './contention.js';
import { namedHolders, timeoutOf } from './diagnostics.js';
import { isLockError } from './errors.js';
import { acquireChannel } from './events.js';
import { HeldGuard, type Guard } from './guard.js';
import { canceledError, contendedError, deadlockError } from './messages.js';
import type { Target } from './namespace.js';
import type { ResolvedOptions } from './options.js';
import { Outages } from './outage.js';
import type { ResourceQueue } from './queue.js';
import { impossibility, newRequest, queueKey, queueMode } from './request.js';
import { backoffDelayMs } from './time.js';
import { traced } from './traced.js';
import { Turn, type QueuedCall, type Waiting } from './turn.js';
import { releaseLate, Wait } from './wait.js';

/** Waits until the lock is held, within the one deadline of `options`. */
export function acquire(target: Target, options: ResolvedOptions): Promise<Guard> {
  if (!acquireChannel.hasSubscribers) return new Acquisition(target, options).acquire();
  return traced(target, options, () => new Acquisition(target, options).acquire());
}

/** One try. Undefined if the lock is held; every other failure is thrown. */
export function tryAcquire(target: Target, options: ResolvedOptions): Promise<Guard | undefined> {
  if (!acquireChannel.hasSubscribers) return new Acquisition(target, options).try();
  return traced(target, options, () => new Acquisition(target, options).try());
}

/** A request, and the answer to it or the promise of one. */
interface Asked {
  readonly request: AcquireRequest;
  readonly attempt: Attempt | Promise<Attempt>;
}

/** A request, and what was granted for it. */
interface Held {
  readonly request: AcquireRequest;
  readonly grant: Grant;
}

/** One call: tries, queues, waits, starts renewal and hands out the guard. Used once. */
class Acquisition implements QueuedCall {
  readonly target: Target;
  readonly options: ResolvedOptions;
  /** How this call and the others of this thread exclude each other. */
  readonly #mode: Mode;
  /** The holders that the last attempt returned, if the backend knew them. */
  #holders: readonly HolderInfo[] | undefined;
  #hasTriedAgain = false;

  constructor(target: Target, options: ResolvedOptions) {
    this.target = target;
    this.options = options;
    this.#mode = queueMode(options);
  }

  /** The fast path is synchronous down to the system calls, and makes one promise. */
  acquire(): Promise<Guard> {
    if (this.options.timeout.ms === 0) return this.#acquireAtOnce();
    const impossible = impossibility(this.target, this.options);
    if (impossible !== undefined) return Promise.reject(impossible);
    const queue = this.#queue();
    if (!queue.tryTakeHead(this.#mode)) {
      return this.#waiting(queue, (waiting) => this.#acquireQueued(waiting));
    }
    const request = newRequest(this.target, this.options, queue);
    let attempt: Attempt | Promise<Attempt>;
    try {
      attempt = this.#backend.tryAcquire(request);
    } catch (error) {
      queue.leaveHead();
      return Promise.reject(error);
    }
    if (!isReady(attempt)) {
      return this.#waiting(queue, (waiting) => void this.acquireAtHead(waiting, { request, attempt }));
    }
    queue.leaveHeadHolding(this.#mode);
    return Promise.resolve(new HeldGuard(this.target, queue, request, attempt.grant));
  }

  async try(): Promise<Guard | undefined> {
    const impossible = impossibility(this.target, this.options);
    if (impossible !== undefined) throw impossible;
    const queue = this.target.namespace.existingQueue(queueKey(this.target, this.options));
    if (queue?.admitsTry(this.#mode) === false) return undefined;
    const request = newRequest(this.target, this.options, undefined);
    const attempt = this.#backend.tryAcquire(request, this.options.signal);
    // Counted in the turn in which it was granted: an `acquireSync` in the caller's next statement must see it.
    if (isReady(attempt)) return this.#handOutTry({ request, grant: attempt.grant });
    const first = await this.#settled({ request, attempt });
    const held = first && (await this.#renewed(first, (lost) => this.#tryOnceMore(lost)));
    return held && this.#handOutTry(held);
  }

  async #acquireAtOnce(): Promise<Guard> {
    const guard = await this.try();
    if (guard !== undefined) return guard;
    const isOwn = this.#isOwn;
    const holders = await namedHolders(this.target, this.#holders);
    throw contendedError(this.target.address, holders, this.options.timeout, { isOwn });
  }

  #waiting(queue: ResourceQueue, start: (waiting: Waiting) => void): Promise<Guard> {
    return new Promise((resolve, reject) => {
      const wait = new Wait(this.target, this.options);
      const contention = new Contention(this.target, this.options, wait);
      start({ queue, wait, contention, resolve, reject });
    });
  }

  #acquireQueued(waiting: Waiting): void {
    const { queue, wait, contention } = waiting;
    if (wait.ended !== undefined) return void this.fail(waiting, wait.ended);
    const wasPaused = queue.isPaused;
    // Joins the queue before it reports contention: `onWait` may end the very hold that is in the way.
    const turn = new Turn(this, waiting);
    if (!wasPaused) contention.note();
    // A pause between two holds of this thread is no contention worth reporting, unless others acquire in it.
    else if (this.options.onWait !== undefined) {
      this.target.namespace.clock.yieldTurn(() => {
        if (turn.isInQueue) contention.note();
      });
    }
  }

  /** @param first what was asked already, by a caller that was at the head at once. */
  async acquireAtHead(waiting: Waiting, first?: Asked): Promise<void> {
    const { queue, wait, contention } = waiting;
    let isAtHead = true;
    try {
      const askAgain = (): Promise<Held> => this.#ask(queue, wait, contention);
      const held = await (first === undefined ? askAgain() : this.#ask(queue, wait, contention, first));
      // A caller that waited runs with cold caches: without a renewal to start, this saves a microtask.
      const isDone = held.grant.lease === undefined && wait.ended === undefined;
      const { request, grant } = isDone ? held : await this.#renewed(held, askAgain);
      queue.leaveHeadHolding(this.#mode);
      isAtHead = false;
      wait.close();
      contention.finish('acquired');
      waiting.resolve(new HeldGuard(this.target, queue, request, grant));
    } catch (error) {
      if (isAtHead) queue.leaveHead();
      await this.fail(waiting, error);
    }
  }

  async fail({ wait, contention, reject }: Waiting, error: unknown): Promise<void> {
    wait.close();
    reject(await this.#failure(error, wait, contention).catch((failure: unknown) => failure));
  }

  /** Asks the backend until it grants. Contention is asked again, and an outage after an answer. */
  async #ask(queue: ResourceQueue, wait: Wait, contention: Contention, first?: Asked): Promise<Held> {
    const backend = this.#backend;
    const outages = new Outages(backend, wait, contention);
    let asked = first;
    for (let attempts = 1; ; attempts++) {
      if (wait.ended !== undefined) {
        if (asked !== undefined) releaseLate(asked.attempt);
        throw await outages.orOutage(wait.ended);
      }
      try {
        const request = asked?.request ?? newRequest(this.target, this.options, queue, wait.leftMs);
        const attempt = asked?.attempt ?? backend.tryAcquire(request, signalFor(backend, wait));
        asked = undefined;
        outages.noteRequest(request);
        const outcome = await wait.outcomeOf(attempt);
        if (outcome.kind === 'granted') return { request, grant: outcome.grant };
        this.#holders = outcome.holders;
        outages.noteAnswer();
        contention.note();
        if (backend.waitAcquire !== undefined) {
          const waiting = newRequest(this.target, this.options, queue, wait.leftMs);
          return { request: waiting, grant: await backend.waitAcquire(waiting, wait.signal) };
        }
        await wait.pause(outcome.retryAfterMs ?? backoffDelayMs(attempts));
      } catch (error) {
        await outages.outlast(error);
      }
    }
  }

  /**
   * `held`, once its renewal runs. A lease that ended before that was handed to no caller: asks again, and this time
   * the thread that renews is there. A caller that canceled meanwhile gets an error and no hold.
   */
  async #renewed<T extends Held | undefined>(
    held: Held,
    askAgain: (lost: unknown) => Promise<T>,
  ): Promise<Held | T> {
    for (let granted: Held | T = held; ;) {
      if (granted === undefined) return granted;
      let { grant } = granted;
      try {
        grant = await this.#startRenewal(granted);
        this.#throwIfCanceled();
        return { request: granted.request, grant };
      } catch (error) {
        const isLost = isLockError(error) && error.isLost;
        try {
          await grant.release();
        } catch (failure) {
          // What was lost blocks others for no longer than its lease, and this call goes on.
          if (!isLost) throw failure;
        }
        if (!isLost) throw error;
        granted = await askAgain(error);
      }
    }
  }

  #startRenewal({ request, grant }: Held): Grant | Promise<Grant> {
    const { namespace, address } = this.target;
    if (grant.lease === undefined || namespace.keeper === undefined) return grant;
    const { holderId } = request;
    return namespace.keeper.startRenewal(grant, {
      resource: address,
      backend: namespace.backend.name,
      holderId,
    });
  }

  async #tryOnceMore(lost: unknown): Promise<Held | undefined> {
    if (this.#hasTriedAgain) throw lost;
    this.#hasTriedAgain = true;
    await this.target.namespace.keeper?.whenReady();
    this.#throwIfCanceled();
    const request = newRequest(this.target, this.options, undefined);
    return this.#settled({ request, attempt: this.#backend.tryAcquire(request, this.options.signal) });
  }

  async #settled({ request, attempt }: Asked): Promise<Held | undefined> {
    const outcome = await attempt;
    if (outcome.kind === 'granted') return { request, grant: outcome.grant };
    this.#holders = outcome.holders;
    return undefined;
  }

  #handOutTry({ request, grant }: Held): Guard {
    const queue = this.#queue();
    queue.addHold(this.#mode);
    return new HeldGuard(this.target, queue, request, grant);
  }

  async #failure(error: unknown, wait: Wait, contention: Contention): Promise<unknown> {
    const { address } = this.target;
    const { ended } = wait;
    if (ended === undefined || error !== ended) {
      contention.finish(isLockError(error) && error.isCanceled ? 'canceled' : 'error');
      return error;
    }
    contention.finish(ended.kind);
    if (ended.kind === 'canceled') return canceledError(address, ended.reason);
    if (ended.kind === 'deadlock') return deadlockError(address, ended.cycle);
    return timeoutOf(this.target, this.options.timeout, { known: this.#holders, isOwn: this.#isOwn });
  }

  /** A hold of this thread leaves no room for one more. */
  get #isOwn(): boolean {
    const queue = this.target.namespace.existingQueue(queueKey(this.target, this.options));
    return queue?.hasRoomFor(this.#mode) === false;
  }

  #throwIfCanceled(): void {
    const { signal } = this.options;
    if (signal?.aborted === true) throw canceledError(this.target.address, signal.reason);
  }

  #queue(): ResourceQueue {
    return this.target.namespace.queueFor(queueKey(this.target, this.options));
  }

  get #backend(): Backend {
    return this.target.namespace.backend;
  }
}

/** Granted at once, with no renewal to start. */
function isReady(attempt: Attempt | Promise<Attempt>): attempt is Granted {
  return !(attempt instanceof Promise) && attempt.kind === 'granted' && attempt.grant.lease === undefined;
}

/** A try that does not leave this host ends before it could be canceled. */
function signalFor({ capabilities }: Backend, wait: Wait): AbortSignal | undefined {
  return capabilities.reach === 'network' ? wait.signal : undefined;
}
