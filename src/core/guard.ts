import type { Grant, Mode } from './backend.js';
import { LockLostError, type LossReason } from './errors.js';
import { formatDuration } from './duration.js';
import { holdChannel, type HoldEvent } from './events.js';

/** Proof of one hold, used once. */
export interface Guard extends AsyncDisposable {
  /** As the caller wrote it, without credentials. */
  readonly address: string;
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
  /**
   * Ends this hold. Idempotent; never frees a successor; does not throw because the hold was lost.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_NETWORK when the record could not be ended and blocks others for now.
   */
  release(): Promise<void>;
}

/** What a guard needs to know about where it came from. */
export interface GuardContext {
  readonly address: string;
  readonly backend: string;
  readonly mode: Mode;
  readonly holderId: string;
  /** Monotonic milliseconds at the grant. */
  readonly grantedAt: number;
  now(): number;
  /** Called once, when the hold ends for this process: released or lost. */
  onEnded(heldMs: number): void;
}

const RELEASED = Promise.resolve();

const LOSS_FACTS: Readonly<Record<LossReason, string>> = {
  expired: 'its lease ran out before it could be renewed',
  taken: 'somebody else took it',
  'session-ended': 'the session that held it ended',
  'record-missing': 'its record was removed or replaced while it was held',
};

export class HeldGuard implements Guard {
  readonly #grant: Grant;
  readonly #context: GuardContext;
  #state: 'held' | 'lost' | 'released' = 'held';
  #lossReason: LossReason | undefined;
  #lostController: AbortController | undefined;
  #released: Promise<void> | undefined;
  #event: HoldEvent | undefined;

  constructor(grant: Grant, context: GuardContext, isLossWatched: boolean) {
    this.#grant = grant;
    this.#context = context;
    if (isLossWatched) grant.onLost((reason) => this.#lose(reason));
    if (holdChannel.start.hasSubscribers || holdChannel.asyncEnd.hasSubscribers) this.#publishStart();
  }

  get address(): string {
    return this.#context.address;
  }
  get mode(): Mode {
    return this.#context.mode;
  }
  get holderId(): string {
    return this.#context.holderId;
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

  /** @internal */
  static grantOf(guard: Guard): Grant | undefined {
    return #grant in guard ? guard.#grant : undefined;
  }

  release(): Promise<void> {
    if (this.#released !== undefined) return this.#released;
    // A lost hold is released too: the backend may have something of its own to put away. It frees nobody else's.
    const wasHeld = this.#state === 'held';
    if (wasHeld) this.#state = 'released';
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
    const { address } = this.#context;
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
    const { address } = this.#context;
    return new LockLostError(
      `Could not rely on "${address}" for ${formatDuration(marginMs)} more: its lease may end before that. Ask again after the next renewal, or take a longer lease.`,
      { resource: address, lossReason },
    );
  }

  #publishStart(): void {
    const { address, backend, mode, holderId } = this.#context;
    this.#event = { resource: address, backend, mode, holderId };
    holdChannel.start.publish(this.#event);
  }

  #end(outcome: 'released' | 'lost'): void {
    const heldMs = this.#context.now() - this.#context.grantedAt;
    if (this.#event !== undefined) {
      this.#event.heldMs = heldMs;
      this.#event.outcome = outcome;
      if (this.#lossReason !== undefined) this.#event.lossReason = this.#lossReason;
      holdChannel.asyncEnd.publish(this.#event);
    }
    this.#context.onEnded(heldMs);
  }
}

/**
 * Names a child process that works under `guard` (taken with `coversChild`): from now on the lock counts as held
 * until both are dead. Resolves when others can see it. Does nothing where the kernel knows by itself.
 */
export async function coverProcess(guard: Guard, pid: number): Promise<void> {
  await HeldGuard.grantOf(guard)?.coverProcess?.(pid);
}
