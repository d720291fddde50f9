import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { newHolderId } from '../../core/holder.js';
import type { LeaseClock, Renewal, RenewalSource } from '../../core/lease.js';
import type { Clock } from '../../core/time.js';
import { isOutage } from '../../net/unavailable.js';
import { answerBudgetMs, SERVER_ANSWER_MS } from '../../net/within.js';
import { processStartTime } from '../../platform/identity.js';
import { formatError, unconfirmedError, unreleasedError } from '../engine/errors.js';
import { LOOK_MS } from '../engine/limits.js';
import { settleInBackground } from '../engine/settle.js';
import { beginBreak, stepBreak, type BreakResult, type BreakState } from './break-steps.js';
import {
  beginClaim,
  resumeClaim,
  stepClaim,
  type ClaimResult,
  type ClaimState,
  type ClaimStep,
} from './claim-steps.js';
import { REGISTER_CAPABILITIES } from './config.js';
import { follow, type Effect, type Outcome } from './effects.js';
import type { Base } from './hold-steps.js';
import { holdersIn } from './inspect.js';
import { perform, type Surroundings } from './perform.js';
import { newLeaseRecord } from './record.js';
import type { Reading, Register } from './register.js';
import { change, renewalState, type RenewalState } from './own-hold.js';
import type { Sightings } from './sightings.js';

/** A store as this backend needs it. */
export interface RegisterStore {
  /** Of the backend: `s3`. */
  readonly name: string;
  readonly register: Register;
  /** The place as an address without credentials, and the server, for messages. */
  readonly display: string;
  readonly server: string;
  /** The place in one spelling, for what is remembered of it. */
  readonly place: string;
  readonly clock: Clock;
  readonly leaseClock: LeaseClock;
  readonly sightings: Sightings;
  /** Resolves once the store is known to honour conditions; before the first write. */
  prove(): Promise<void>;
  /** How a hold is renewed. */
  renewal(state: RenewalState): RenewalSource | Renewal;
  /** A failure of the store as its caller gets it. */
  explain(error: unknown, shown: string): Error;
}

/** Waiters ask again after a sixth of the lease, and after five seconds at the latest: requests cost money. */
const POLL_MAX_MS = 5_000;
const POLL_PART = 1 / 6;
/** After a lost race, and half of it at random. */
const RACE_MS = 100;

/** Leases on a store that compares and swaps. See PROTOCOL.md in this folder. */
export class RegisterBackend implements Backend {
  readonly name: string;
  readonly capabilities = REGISTER_CAPABILITIES;
  readonly isOutage = isOutage;
  readonly #store: RegisterStore;
  /** The last value seen in the way, so that a look that finds it again is cheap. */
  readonly #known = new Map<string, Reading>();

  constructor(store: RegisterStore) {
    this.name = store.name;
    this.#store = store;
  }

  async tryAcquire(request: AcquireRequest, signal?: AbortSignal): Promise<Attempt> {
    const { resource } = request;
    const { clock, leaseClock } = this.#store;
    const leaseMs = Math.round(request.leaseDurationMs);
    const budgetMs = answerBudgetMs(request.timeoutMs);
    const wallMs = clock.wallNow();
    const wanted = {
      holderId: request.holderId,
      leaseMs,
      record: newLeaseRecord(request, wallMs),
      wallMs,
      giveUpAt: leaseClock.now() + Math.min(leaseMs, 2 * budgetMs),
    };
    await this.#prove(resource);
    const result = await this.#claim(resource, beginClaim(wanted), budgetMs, signal);
    return this.#attemptOf(request, result);
  }

  async inspect(resource: string): Promise<readonly HolderInfo[]> {
    const reading = await this.#read(resource);
    if (reading.kind === 'foreign') throw formatError(this.#shown(resource), reading.format);
    if (reading.kind === 'absent' || reading.body.state.kind === 'free') return [];
    const now = this.#store.leaseClock.now();
    const since = await this.#store.sightings.since(this.#seenAs(resource), reading.version, now);
    return holdersIn(reading, now - since);
  }

  /** Every lock that is held. Each is read: a listing has names only. */
  async list(): Promise<readonly string[]> {
    const held: string[] = [];
    let names: readonly string[];
    try {
      names = (await this.#store.register.list?.()) ?? [];
    } catch (error) {
      throw this.#store.explain(error, this.#store.display);
    }
    const left = [...names];
    const work = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const reading = await this.#read(name);
        if (reading.kind === 'value' && reading.body.state.kind !== 'free') held.push(name);
      }
    };
    await Promise.all(Array.from({ length: LISTED_AT_ONCE }, work));
    return held.toSorted();
  }

  async forceRelease(
    resource: string,
    holderId: string,
    options?: { readonly isImmediate?: boolean },
  ): Promise<boolean> {
    await this.#prove(resource);
    const first = beginBreak(holderId, options?.isImmediate === true, newHolderId());
    const on = this.#on(resource, SERVER_ANSWER_MS);
    const act = (effect: Effect): Promise<Outcome> => perform(on, effect);
    const result = await follow<BreakState, BreakResult, Effect, Outcome>(first, stepBreak, act);
    if (result.kind === 'failed') throw this.#store.explain(result.error, this.#shown(resource));
    return result.kind === 'broken';
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Before any write: the proof also finds how the store wants its tags. */
  async #prove(resource: string): Promise<void> {
    try {
      await this.#store.prove();
    } catch (error) {
      throw this.#store.explain(error, this.#shown(resource));
    }
  }

  #shown(resource: string): string {
    return `${this.#store.display}#${resource}`;
  }

  #seenAs(resource: string): string {
    return `${this.#store.place}#${resource}`;
  }

  #on(resource: string, budgetMs: number): Surroundings {
    const { register, clock, sightings } = this.#store;
    const known = this.#known.get(resource);
    return {
      register,
      name: resource,
      clock,
      budgetMs,
      known,
      sightings: { table: sightings, key: this.#seenAs(resource) },
    };
  }

  async #read(resource: string): Promise<Reading> {
    try {
      return await this.#store.register.read(resource, undefined, LOOK_MS);
    } catch (error) {
      throw this.#store.explain(error, this.#shown(resource));
    }
  }

  /** @param signal a caller that has gone: nothing is claimed for it. What was claimed is settled all the same. */
  #claim(resource: string, first: ClaimStep, budgetMs: number, signal?: AbortSignal): Promise<ClaimResult> {
    const act = async (effect: Effect): Promise<Outcome> => {
      const isClaim = effect.kind === 'write' && effect.body.state.kind === 'held';
      if (isClaim && signal?.aborted === true) return { kind: 'failed', error: signal.reason };
      const outcome = await perform(this.#on(resource, budgetMs), effect);
      if (outcome.kind === 'read') this.#remember(resource, outcome.reading);
      return outcome;
    };
    const next = (state: ClaimState, outcome: Outcome): ClaimStep =>
      stepClaim(state, outcome, this.#store.leaseClock.now());
    return follow(first, next, act);
  }

  #remember(resource: string, reading: Reading): void {
    if (reading.kind === 'absent') this.#known.delete(resource);
    else this.#known.set(resource, reading);
    if (this.#known.size > KNOWN_KEPT) this.#known.clear();
  }

  async #attemptOf(request: AcquireRequest, result: ClaimResult): Promise<Attempt> {
    const { resource, holderId } = request;
    const shown = this.#shown(resource);
    switch (result.kind) {
      case 'granted':
        this.#known.delete(resource);
        await this.#store.sightings.forget(this.#seenAs(resource));
        return { kind: 'granted', grant: this.#grant(request, result) };
      case 'late':
        await this.#release(resource, baseFrom(result)).catch(() => undefined);
        return { kind: 'contended', retryAfterMs: 0 };
      case 'contended': {
        const { remainingMs, leaseMs } = result;
        if (remainingMs === 0 || leaseMs === undefined)
          return { kind: 'contended', retryAfterMs: RACE_MS * (0.5 + Math.random()) };
        const pollMs = Math.min(POLL_MAX_MS, leaseMs * POLL_PART) * (0.75 + Math.random() / 2);
        return { kind: 'contended', retryAfterMs: Math.min(pollMs, remainingMs) };
      }
      case 'foreign':
        throw formatError(shown, result.format);
      case 'failed':
        throw this.#store.explain(result.error, shown);
      case 'unconfirmed':
        this.#settle(resource, result.state);
        throw unconfirmedError({ shown, server: this.#store.server }, holderId, result.error);
    }
  }

  /** A claim of unknown outcome that nothing will work under: made impossible, or released, in the background. */
  #settle(resource: string, state: ClaimState): void {
    const { clock, leaseClock } = this.#store;
    const endsAt = (state.sentAt ?? leaseClock.now()) + silencedMs(state.leaseMs);
    void settleInBackground(
      clock,
      () => leaseClock.now() >= endsAt,
      async () => {
        const result = await this.#claim(resource, resumeClaim(state, leaseClock.now()), SERVER_ANSWER_MS);
        if (result.kind === 'unconfirmed') throw result.error;
        if (result.kind === 'granted' || result.kind === 'late')
          await this.#release(resource, baseFrom(result));
      },
    );
  }

  #grant(request: AcquireRequest, claim: Extract<ClaimResult, { kind: 'granted' }>): Grant {
    const { resource, coversChild } = request;
    const { leaseClock, register, clock } = this.#store;
    let base = baseFrom(claim);
    const durationMs = base.state.leaseMs;
    const deadline = claim.sentAt + durationMs;
    const release = (): Promise<void> => this.#release(resource, base);
    const found = this.#store.renewal(renewalState(resource, base));
    // A renewal on this loop is notified of the release; one in the worker is only abandoned.
    const renewal = 'module' in found ? found : { ...found, release };
    return {
      fencingToken: claim.body.generation,
      lease: { durationMs, deadline, isReleaseSafe: true, renewal },
      check: (marginMs) => (leaseClock.now() + marginMs >= deadline ? 'expired' : undefined),
      onLost: () => undefined,
      release,
      ...(coversChild && {
        coverProcess: async (pid: number) => {
          const child = { pid, startTime: processStartTime(pid) };
          const purpose = { kind: 'cover', child } as const;
          const result = await change({ register, name: resource, clock }, base, purpose, SERVER_ANSWER_MS);
          if (result.kind === 'stuck') throw this.#store.explain(result.error, this.#shown(resource));
          if (result.kind === 'done') base = result.base;
        },
      }),
    };
  }

  async #release(resource: string, base: Base): Promise<void> {
    const { register, clock, leaseClock, server } = this.#store;
    const endsAt = leaseClock.now() + base.state.leaseMs;
    const release = async (): Promise<void> => {
      const on = { register, name: resource, clock };
      const result = await change(on, base, { kind: 'release' }, SERVER_ANSWER_MS);
      if (result.kind === 'stuck') throw result.error;
    };
    try {
      await release();
    } catch (error) {
      void settleInBackground(clock, () => leaseClock.now() >= endsAt, release);
      const shown = this.#shown(resource);
      const cause = this.#store.explain(error, shown);
      throw unreleasedError({ shown, server }, 'at the latest when its lease has been silent', cause);
    }
  }
}

const KNOWN_KEPT = 1_000;
const LISTED_AT_ONCE = 16;

function silencedMs(leaseMs: number): number {
  return 2 * leaseMs;
}

function baseFrom({ body, version }: Extract<ClaimResult, { kind: 'granted' | 'late' }>): Base {
  if (body.state.kind !== 'held') throw new TypeError('granted without a hold');
  return { generation: body.generation, state: body.state, version };
}
