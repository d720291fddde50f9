/** Why a hold ended by surprise. */
export type LossReason = 'expired' | 'taken' | 'session-ended' | 'record-missing';

/**
 * The clock on which leases end: milliseconds that go on while the machine is suspended, with the same origin in
 * every thread of the process. Never the wall clock.
 */
export interface LeaseClock {
  now(): number;
}

/** A hold that ends by itself unless renewed. */
export interface Lease {
  /** How long the holder may believe in one publication, counted from just before it was sent. */
  readonly durationMs: number;
  /**
   * Time on the {@link LeaseClock}, in milliseconds, at which the first belief ends: the clock just before the
   * claim was sent, plus `durationMs`.
   */
  readonly deadline: number;
  /**
   * A renewal that the keeper's worker thread can open, so that a stuck event loop does not cost the lease; or,
   * where the engine's client cannot cross into a worker, a renewal that runs on the owner's loop.
   */
  readonly renewal: RenewalSource | Renewal;
  /**
   * A renewal that is carried out after the release changes nothing, because the store compares. Then the owner's thread
   * releases by the grant itself, without waiting for the worker; and once the worker has opened a renewal with the same
   * module and the same `shared`, the next hold is given out once its order is where the worker will find it. The state
   * must be plain JSON.
   */
  readonly isReleaseSafe?: boolean;
}

export interface RenewalSource {
  /** Of a compiled module that exports {@link RenewalModule}. */
  readonly module: URL;
  /** Structured-cloneable; handed to `openRenewal`. */
  readonly state: unknown;
  /** What all holds on one server have in common, the same object for all of them: the worker is sent it once. */
  readonly shared?: object;
}

/** The exports of a renewal module. */
export interface RenewalModule {
  /** Runs in the keeper's worker, once per hold. */
  readonly openRenewal: (state: unknown, shared?: unknown) => Renewal | Promise<Renewal>;
}

/**
 * `extended`: published again; believed until the clock before the call plus `durationMs`. `again`: nothing is
 * known to have changed, or an earlier call turned out to have landed at an unknown time: asked again soon, with a
 * new clock. A reason: the hold is over. A rejection counts as `again`.
 */
export type RenewalOutcome = 'extended' | 'again' | LossReason;

/** One hold as its renewal sees it, to report what the store reports by itself. */
export interface HoldWatch {
  /** Released or lost: nothing is left to report. */
  readonly isOver: boolean;
  lose(reason: LossReason): void;
}

/** One hold as its keeper sees it. Calls never overlap, and `release` comes last. */
export interface Renewal {
  /**
   * Where the store reports the end of a hold by itself: reports it to `hold`, from when its renewal starts until
   * the returned function is called. Never throws.
   */
  watch?(hold: HoldWatch): () => void;
  /**
   * One attempt, sent after the call and not before. `remainingMs` is what is left of the lease in milliseconds: a
   * longer wait has no use.
   *
   * @throws an error for an attempt without an outcome; it is repeated as long as the lease lasts.
   */
  renew(remainingMs: number): Promise<RenewalOutcome>;
  /**
   * Ends this hold and no other; after a loss it removes only its own record. Called at most once.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_NETWORK when the record could not be ended and may block others.
   */
  release(isLost: boolean): Promise<void>;
}

/** A third: two attempts may fail before the lease is in danger. */
export function renewalIntervalMs(durationMs: number): number {
  return durationMs / 3;
}

/** Between attempts whose outcome is unknown. */
export function renewalRetryMs(durationMs: number): number {
  return Math.min(durationMs / 20, 1_000);
}

export type Settlement =
  | { readonly kind: 'held'; readonly deadline: number }
  | { readonly kind: 'again' }
  | { readonly kind: 'lost'; readonly reason: LossReason };

/**
 * What a renewal sent after `sentAt` and settled at `now` means for a hold believed until `deadline`. The new
 * deadline counts from before the request: others may have seen it published any time since. What comes after the
 * old deadline comes too late, because another holder may be in.
 */
export function settleRenewal(
  outcome: RenewalOutcome,
  sentAt: number,
  now: number,
  deadline: number,
  durationMs: number,
): Settlement {
  if (outcome !== 'extended' && outcome !== 'again') return { kind: 'lost', reason: outcome };
  if (now >= deadline) return { kind: 'lost', reason: 'expired' };
  if (outcome === 'again') return { kind: 'again' };
  return { kind: 'held', deadline: Math.max(deadline, sentAt + durationMs) };
}
