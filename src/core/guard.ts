import type { Announcement } from './announcing.js';
import type { AcquireRequest, Backend, Grant, Mode } from './backend.js';
import { isLockError, LockLostError } from './errors.js';
import type { LossReason } from './lease.js';
import { formatDuration } from './duration.js';
import { holdChannel, type HoldEvent } from './events.js';
import { Cohort } from './handoff.js';
import { nameOf, type Namespace, type Target } from './namespace.js';
import type { ResourceQueue } from './queue.js';
import { queueMode } from './request.js';

/** Proof of one hold, used once. */
export interface Guard extends AsyncDisposable {
  /** As the caller wrote it, without credentials. */
  readonly address: string;
  /** Mode of the hold. */
  readonly mode: Mode;
  /** Random identity of this hold. Not a fencing token. */
  readonly holderId: string;
  /** Strictly increasing per resource. To be checked by the resource, not by us. */
  readonly fencingToken: bigint | undefined;
  /**
   * Aborts when the hold ends by surprise; never because of `release()`. Its reason is the error that
   * {@link assertHeld} throws. Read it early: it is made when first read.
   */
  readonly lost: AbortSignal;
  /**
   * Throws unless the hold is known to last for `marginMs` (default 0) more. Synchronous, so that nothing
   * runs between the proof and the caller's next statement. What happens after that statement is not covered.
   *
   * @throws LockError HOLDFAST_LOST when the hold is lost, was released, or is not sure to last that long.
   */
  assertHeld(options?: { readonly marginMs?: number }): void;
  /** `release()` was called. */
  readonly isReleased: boolean;
  /**
   * Ends this hold. Idempotent; never frees a successor; does not throw because the hold was lost.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_NETWORK when the record could not be ended and blocks others for now.
   */
  release(): Promise<void>;
}

const RELEASED = Promise.resolve();

const LOSS_FACTS: Readonly<Record<LossReason, string>> = {
  expired: 'its lease ran out before it could be renewed',
  taken: 'another process took it',
  'session-ended': 'the session that held it ended',
  'record-missing': 'its record was removed or replaced while it was held',
};

/** After a hold of this length others are probably waiting, and a turn of the event loop is a small price. */
const LONG_HOLD_MS = 0.1;

export class HeldGuard implements Guard {
  readonly address: string;
  readonly mode: Mode;
  readonly holderId: string;
  readonly #grant: Grant;
  readonly #queueMode: Mode;
  readonly #namespace: Namespace;
  readonly #queue: ResourceQueue;
  readonly #grantedAt: number;
  #state: 'held' | 'lost' | 'released' = 'held';
  #lossReason: LossReason | undefined = undefined;
  #lostController: AbortController | undefined = undefined;
  #released: Promise<void> | undefined = undefined;
  #event: HoldEvent | undefined = undefined;
  #announcement: Announcement | undefined = undefined;

  /** @param queue counts this hold already; the guard removes it there when the hold ends. */
  constructor(target: Target, queue: ResourceQueue, request: AcquireRequest, grant: Grant) {
    const { namespace, address } = target;
    this.address = address;
    this.mode = request.mode;
    this.#queueMode = queueMode(request);
    this.holderId = request.holderId;
    this.#grant = grant;
    this.#namespace = namespace;
    this.#queue = queue;
    this.#grantedAt = namespace.clock.now();
    const { orphan, reach } = namespace.backend.capabilities;
    if (orphan !== 'released' || reach === 'network') {
      this.#announce(target, request);
      grant.onLost((reason) => this.#lose(reason));
    }
    if (holdChannel.start.hasSubscribers || holdChannel.asyncEnd.hasSubscribers)
      this.#publishStart(nameOf(target));
  }

  /** The backend's side of a guard, for callers that know the backend; undefined for a guard that is not ours. */
  static grantOf(guard: Guard): Grant | undefined {
    return #grant in guard ? guard.#grant : undefined;
  }

  get fencingToken(): bigint | undefined {
    return this.#grant.fencingToken;
  }

  // Made lazily: an AbortController costs about as much as half the system calls of a flock.
  get lost(): AbortSignal {
    if (this.#lostController === undefined) {
      this.#lostController = new AbortController();
      if (this.#state === 'lost') this.#lostController.abort(this.#lossError());
    }
    return this.#lostController.signal;
  }

  assertHeld(options?: { readonly marginMs?: number }): void {
    if (this.#state === 'held') {
      const marginMs = options?.marginMs ?? 0;
      const reason = this.#grant.check(marginMs);
      if (reason === undefined) return;
      // A margin that the lease does not have just now is no loss: the next renewal brings it back.
      if (marginMs > 0 && this.#grant.check(0) === undefined) throw this.#marginError(marginMs, reason);
      this.#lose(reason);
    }
    throw this.#lossError();
  }

  get isReleased(): boolean {
    return this.#released !== undefined;
  }

  release(): Promise<void> {
    if (this.#released !== undefined) return this.#released;
    // A lost hold is released too: the backend may have something of its own to put away. It frees no other hold.
    const wasHeld = this.#state === 'held';
    if (wasHeld) this.#state = 'released';
    if (wasHeld && this.#passOn()) return RELEASED;
    let ending: void | Promise<void>;
    try {
      ending = this.#grant.release();
    } catch (error) {
      ending = Promise.reject(error);
    }
    if (ending === undefined) {
      if (wasHeld) this.#end('released');
      this.#released = RELEASED;
    } else {
      this.#released = ending.finally(() => {
        if (wasHeld) this.#end('released');
      });
    }
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  // Lost is final: nothing leads from here back to held.
  #lose(reason: LossReason): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#lossReason = reason;
    this.#end('lost');
    this.#lostController?.abort(this.#lossError());
  }

  #lossError(): LockLostError {
    const { address } = this;
    if (this.#lossReason === undefined) {
      return new LockLostError(
        `Could not rely on "${address}": this guard was released. Acquire the lock again.`,
        {
          resource: address,
        },
      );
    }
    return new LockLostError(
      `Could not keep "${address}": ${LOSS_FACTS[this.#lossReason]}. Treat what it guards as changed by others.`,
      { resource: address, lossReason: this.#lossReason },
    );
  }

  #marginError(marginMs: number, lossReason: LossReason): LockLostError {
    const { address } = this;
    return new LockLostError(
      `Could not rely on "${address}" for ${formatDuration(marginMs)} more: its lease may end before that. Ask again after the next renewal, or take a longer lease.`,
      { resource: address, lossReason },
    );
  }

  #announce(target: Target, { mode, holderId, reason }: AcquireRequest): void {
    const { announcer, clock, backend } = target.namespace;
    if (announcer === undefined) return;
    const { lease, fencingToken: token, showDeadlines } = this.#grant;
    this.#announcement = announcer.announce({
      state: 'holder',
      lock: nameOf(target),
      backend: backend.name,
      mode,
      sinceAtMs: clock.wallNow(),
      holderId,
      token,
      reason,
      lease: lease &&
        showDeadlines && { deadline: lease.deadline, durationMs: lease.durationMs, showAt: showDeadlines },
    });
  }

  #publishStart(lock: string): void {
    const { address, mode, holderId } = this;
    this.#event = { resource: address, lock, backend: this.#namespace.backend.name, mode, holderId };
    holdChannel.start.publish(this.#event);
  }

  /** Gives the hold to the next caller of this thread, if the rules of {@link Cohort} allow it. */
  #passOn(): boolean {
    const { clock, backend } = this.#namespace;
    const queue = this.#queue;
    if (backend.passOn === undefined || this.#queueMode === 'shared' || !queue.hasWaiters) return false;
    const grant = this.#grant;
    if (grant.fencingToken !== undefined || grant.lease !== undefined) return false;
    const now = clock.now();
    const cohort = queue.cohort ?? new Cohort(this.#grantedAt);
    if (!cohort.mayGrow(now)) return false;
    return queue.passHold((request) => {
      const next = passedBy(backend, grant, request);
      if (next === undefined) return undefined;
      cohort.grow();
      queue.cohort = cohort;
      this.#released = RELEASED;
      this.#publishEnd('released', now - this.#grantedAt);
      return next;
    });
  }

  #publishEnd(outcome: 'released' | 'lost', heldMs: number): void {
    this.#announcement?.end();
    if (this.#event === undefined) return;
    this.#event.heldMs = heldMs;
    this.#event.outcome = outcome;
    if (this.#lossReason !== undefined) this.#event.lossReason = this.#lossReason;
    holdChannel.asyncEnd.publish(this.#event);
  }

  #end(outcome: 'released' | 'lost'): void {
    const { clock, backend } = this.#namespace;
    const queue = this.#queue;
    const now = clock.now();
    this.#publishEnd(outcome, now - this.#grantedAt);
    // To other processes the holds of a cohort are one.
    queue.wasHeldLong = now - (queue.cohort?.since ?? this.#grantedAt) > LONG_HOLD_MS;
    queue.cohort = undefined;
    if (queue.wasHeldLong && backend.capabilities.reach === 'host' && !queue.isPaused) {
      queue.pause();
      clock.yieldTurn(() => queue.resume());
    }
    queue.removeHold(this.#queueMode);
  }
}

/** A failure is the next caller's to meet, when it asks for itself. */
function passedBy(backend: Backend, grant: Grant, request: AcquireRequest): Grant | undefined {
  try {
    return backend.passOn?.(grant, request);
  } catch {
    return undefined;
  }
}

/**
 * What a caller must learn of work that failed with `error` under `guard`: the loss of the hold, if there was one. Work
 * that goes on after a loss fails in strange ways (its files are gone, another has them), and a caller that starts over after
 * a loss must know it from an error that starting over does not cure.
 */
export function lossOr(guard: Guard, error: unknown): unknown {
  if (guard.isReleased || (isLockError(error) && error.isLost)) return error;
  try {
    guard.assertHeld();
    return error;
  } catch (loss) {
    return Object.assign(loss as LockLostError, { cause: error });
  }
}

/**
 * Names a child process that works under `guard` (acquired with `coversChild`): from now on the lock counts as
 * held until both are dead. Resolves when others can see it. Does nothing where the kernel keeps the lock with the
 * child.
 *
 * @throws LockError HOLDFAST_LOST when the hold has ended; HOLDFAST_IO when the record cannot be written.
 */
export async function coverProcess(guard: Guard, pid: number): Promise<void> {
  await HeldGuard.grantOf(guard)?.coverProcess?.(pid);
}
