import type { Grant } from '../../core/backend.js';
import type { Clock, Timer } from '../../core/time.js';
import { LockError } from '../../core/errors.js';
import type { LossReason } from '../../core/lease.js';
import type { Arbiter } from './arbiter.js';
import { DEFAULT_NETWORK_TIMEOUT_MS, deadlineIn } from './config.js';
import { continuedChange } from './events.js';
import type { Outcome } from './outcome.js';
import { publish } from './publish.js';
import type { Attempted, Tip } from './tip.js';

/** How often the remote is asked whether the hold stands, unless it goes stale sooner. */
const LONGEST_LOOK_INTERVAL_MS = 10_000;

interface HoldParts {
  readonly arbiter: Arbiter;
  readonly clock: Clock;
  /** Counts suspend. */
  readonly now: () => number;
  readonly ref: string;
  readonly attempted: Attempted;
  /** Read before the push that made the hold. */
  readonly t0: number;
  readonly display: string;
}

/**
 * One process's hold of a claim: renews it before others may call it stale, and looks now and then whether it was
 * taken. Others count staleness from when they first saw our last event, which is after we published it; counting
 * from before that push, the hold ends here before it can be stolen without force.
 *
 * On the event loop, not in the keeper's worker: nothing expires at the remote by itself, and a loop that is stuck
 * until the hold is stale is found by `check`.
 */
export class ClaimHold implements Grant {
  readonly fencingToken: bigint;
  readonly #parts: HoldParts;
  readonly #staleAfterMs: number;
  #attempted: Attempted;
  #t0: number;
  #listener: ((reason: LossReason) => void) | undefined;
  #loss: LossReason | undefined;
  #isReleased = false;
  #work: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;

  constructor(parts: HoldParts) {
    this.#parts = parts;
    this.#attempted = parts.attempted;
    this.#t0 = parts.t0;
    this.#staleAfterMs = parts.attempted.record.staleAfterMs;
    this.fencingToken = BigInt(parts.attempted.record.generation);
    this.#arm();
  }

  check(marginMs: number): LossReason | undefined {
    if (this.#leftMs() <= marginMs) this.#lose('expired');
    return this.#loss;
  }

  onLost(listener: (reason: LossReason) => void): void {
    this.#listener = listener;
  }

  async release(): Promise<void> {
    this.#isReleased = true;
    this.#timer?.clear();
    await this.#work;
    // Lost is final: what is at the remote now belongs to others.
    if (this.#loss === 'taken' || this.#loss === 'record-missing') return;
    const { arbiter, clock, ref, display } = this.#parts;
    const deadline = deadlineIn(DEFAULT_NETWORK_TIMEOUT_MS, clock, undefined);
    await arbiter.use(deadline, async (store) => {
      for (;;) {
        const change = continuedChange({ ...this.#attempted, ref }, 'released', clock.wallNow());
        const outcome = (await publish(store, [change])).get(ref);
        const goesOn = outcome?.kind === 'moved' && this.#continuation(outcome.tip);
        if (!goesOn) return finishRelease(outcome, display);
        // A renewal of unknown fate has landed: the release follows it.
        this.#attempted = goesOn;
      }
    });
  }

  #leftMs(): number {
    return this.#t0 + this.#staleAfterMs - this.#parts.now();
  }

  #lose(reason: LossReason): void {
    if (this.#loss !== undefined || this.#isReleased) return;
    this.#loss = reason;
    this.#timer?.clear();
    this.#listener?.(reason);
  }

  #arm(): void {
    const leftMs = this.#leftMs();
    if (leftMs <= 0) return this.#lose('expired');
    const delayMs = Math.min(LONGEST_LOOK_INTERVAL_MS, this.#staleAfterMs / 3, leftMs);
    const tick = (): void => {
      this.#work = this.#tick();
    };
    this.#timer = this.#parts.clock.setTimer(delayMs, tick, { keepsProcessAlive: false });
  }

  async #tick(): Promise<void> {
    const isRenewalDue = this.#leftMs() <= (this.#staleAfterMs * 2) / 3;
    // What cannot be asked or renewed now is tried again; only the deadline turns silence into a loss.
    await (isRenewalDue ? this.#renew() : this.#look()).catch(() => undefined);
    if (this.#loss === undefined && !this.#isReleased) this.#arm();
  }

  async #look(): Promise<void> {
    const { arbiter, clock, ref } = this.#parts;
    const tip = await arbiter.git().remoteTip(ref, deadlineIn(this.#patienceMs(), clock, undefined));
    // No answer is no loss: until it is stale, others need force to take it.
    if (tip === undefined || tip === this.#attempted.oid) return;
    await this.#followed();
  }

  /** Another event is the tip: a note or renewal of this very hold by a command of its clone, or a loss. */
  async #followed(): Promise<void> {
    const { arbiter, clock, ref } = this.#parts;
    const { resource } = this.#attempted.record;
    const deadline = deadlineIn(this.#patienceMs(), clock, undefined);
    const look = await arbiter.use(deadline, (store) => store.look([resource]));
    if (look.kind === 'unreachable') return;
    const tip = look.tips.get(ref) as Tip;
    const own = this.#continuation(tip);
    if (own === undefined) return this.#lose(tip.kind === 'absent' ? 'record-missing' : 'taken');
    this.#attempted = own;
  }

  async #renew(): Promise<void> {
    const { arbiter, clock, ref, now } = this.#parts;
    const startedAt = now();
    const change = continuedChange({ ...this.#attempted, ref }, 'renewed', clock.wallNow());
    const deadline = deadlineIn(this.#patienceMs(), clock, undefined);
    const outcome = await arbiter.use(deadline, async (store) => (await publish(store, [change])).get(ref));
    if (outcome?.kind === 'landed') {
      this.#t0 = startedAt;
      this.#attempted = outcome.attempted;
    }
    if (outcome?.kind !== 'moved') return;
    const { tip } = outcome;
    const own = this.#continuation(tip);
    if (own === undefined) return this.#lose(tip.kind === 'absent' ? 'record-missing' : 'taken');
    // An earlier renewal has landed; it was published before this one began, so it must not extend the hold.
    this.#attempted = own;
  }

  /** What this very hold has become. undefined: others have taken or ended it, perhaps in this clone. */
  #continuation(tip: Tip): Attempted | undefined {
    return tip.kind === 'held' && tip.record.holderId === this.#attempted.record.holderId ? tip : undefined;
  }

  /** The deadline of the hold must be noticed while the network hangs. */
  #patienceMs(): number {
    return Math.min(DEFAULT_NETWORK_TIMEOUT_MS, Math.max(1, this.#leftMs()));
  }
}

function finishRelease(outcome: Outcome | undefined, display: string): void {
  if (outcome?.kind === 'failed') throw outcome.error;
  if (outcome?.kind !== 'unconfirmed') return;
  throw new LockError(
    `Could not release "${display}": the remote did not confirm it (${outcome.cause}). It may look claimed until it is ended by hand: holdfast claims repair.`,
    { code: 'HOLDFAST_NETWORK', resource: display },
  );
}
