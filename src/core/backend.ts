import type { DeadlockLink } from './deadlock.js';
import type { LossReason, Lease } from './lease.js';

/** `exclusive`: one holder. `shared`: any number of holders, none of them exclusive. */
export type Mode = 'exclusive' | 'shared';

/** How far a lock is seen: one JavaScript thread's process, one kernel, or everything that reaches the store. */
export type Reach = 'process' | 'host' | 'network';

/**
 * What a crashed holder leaves behind. `released`: nothing, the next contender is in at once. `expires`: a
 * record that stops others until its time is up. `stays`: a record that must be ended by name.
 */
export type Orphan = 'released' | 'expires' | 'stays';

/** What a backend can do. Constant for its lifetime; the conformance cases that apply follow from it. */
export interface Capabilities {
  /** Modes that it grants. */
  readonly modes: readonly Mode[];
  /** How far an exclusion reaches: one thread, one host, or every host that uses the same store. */
  readonly reach: Reach;
  /** What a crashed holder leaves behind. */
  readonly orphan: Orphan;
  /** Grants carry a strictly increasing `fencingToken` (on request where that costs something). */
  readonly fencing: boolean;
  /** Can give a resource to n holders at a time (`permits`). */
  readonly permits?: boolean;
  /** Keeps the last tick of a resource (`claimTick`). */
  readonly ticks?: boolean;
  /** Milliseconds a lease lasts unless its caller chose, where the usual 30 000 would cost too many requests. */
  readonly leaseDurationMs?: number;
}

/** One attempt to hold one resource. Immutable; a retry is a new request with a new `holderId`. */
export interface AcquireRequest {
  /** The backend's own name for the resource: an absolute path, a key, a ref. */
  readonly resource: string;
  /** Requested mode. */
  readonly mode: Mode;
  /** Random identity of this hold; never reused, not even by a retry of the same call. */
  readonly holderId: string;
  /** Text for waiters to read, one line; undefined without one. */
  readonly reason: string | undefined;
  /** What the caller gives others to read: JSON, at most 1 KB. */
  readonly info?: string | undefined;
  /** The record carries the command line, which others can read. */
  readonly recordCommand?: boolean;
  /** Milliseconds a lease lasts unless renewed. Ignored by backends whose holds are not leases. */
  readonly leaseDurationMs: number;
  /** The caller named that duration; else a backend whose holds are renewed at a price may take a longer one. */
  readonly isLeaseChosen?: boolean;
  /** The caller wants a fencing token and pays for it. */
  readonly fencing: boolean;
  /** This process held the resource just now, and for long: it should let waiters go first. A backend may ignore it. */
  readonly isYielding: boolean;
  /** The caller repeats the request until it is granted: backends that are polled may notify the holder. */
  readonly isWaiting?: boolean;
  /** The caller leaves a record of itself where that is optional. */
  readonly record: boolean;
  /** A child process is going to work under this hold; until `coverProcess` names it, no death proves anything. */
  readonly coversChild: boolean;
  /** One of this many permits is wanted instead of the lock itself. Both have the same name and know nothing of each other. */
  readonly permits?: number | undefined;
  /** Milliseconds the whole call may take: a backend that cannot reach its server says so before that. 0: one try. */
  readonly timeoutMs?: number;
}

/** A holder or a waiter. Display data: it explains a decision, it never makes one. */
export interface HolderInfo {
  /** Whether this entry holds the lock or waits for it. */
  readonly state: 'holder' | 'waiter';
  /** Mode that it holds or waits for. */
  readonly mode: Mode;
  /** Process id, in the pid namespace of the reader. Absent where it is not known. */
  readonly pid?: number;
  /** Name of the host. Absent where it is not known. */
  readonly host?: string;
  /** The name of the program, without directory and arguments. */
  readonly program?: string;
  /** The command line, for a holder whose user wanted it recorded. */
  readonly command?: string;
  /** Random identity of the hold, as {@link Guard.holderId}. Absent where only the kernel knows the holder. */
  readonly holderId?: string;
  /** The `reason` that the holder gave, one line. */
  readonly reason?: string;
  /** What the holder gave for others to read: any JSON value of at most 1 KB. Others may have written it. */
  readonly info?: unknown;
  /** Wall clock, ISO 8601, for display. */
  readonly sinceAt?: string;
  /** Fencing token of the hold. Absent where it has none, or none can be read. */
  readonly fencingToken?: bigint;
  /** `false` when the holder is known to be gone, `undefined` when that cannot be known from here. */
  readonly isAlive?: boolean;
  /** Of a lease whose store ends nothing by itself: milliseconds since this host first saw its present state. */
  readonly unchangedMs?: number;
  /** Set where the kernel proves a hold whose process cannot be seen from here. */
  readonly note?: string;
}

/** An attempt that got the lock. */
export interface Granted {
  /** Distinguishes the two outcomes of an attempt. */
  readonly kind: 'granted';
  /** The hold. The core releases it. */
  readonly grant: Grant;
}

/** An attempt that found the lock held. */
export interface Contended {
  /** Distinguishes the two outcomes of an attempt. */
  readonly kind: 'contended';
  /** Known for free only; the core asks `inspect` when a message needs names. */
  readonly holders?: readonly HolderInfo[];
  /** The earliest moment a new attempt can make sense, e.g. the rest of a lease. */
  readonly retryAfterMs?: number;
}

/** Outcome of one attempt. Every other failure is thrown. */
export type Attempt = Granted | Contended;

/** The backend's side of one hold. */
export interface Grant {
  /** Strictly increasing per resource. Absent where none was requested or the backend has none. */
  readonly fencingToken?: bigint | undefined;
  /**
   * Present when the hold ends by itself unless renewed. The keeper then gives out a grant of its own in place of
   * this one, whose `check`, `onLost` and `release` follow the renewal; those here serve only until then.
   */
  readonly lease?: Lease;
  /**
   * Synchronous proof for `assertHeld`: undefined while held for at least `marginMs` more, else why not. May make
   * a system call, never waits for a network. Never throws.
   */
  check(marginMs: number): LossReason | undefined;
  /** Calls `listener` at most once, when the hold ends by surprise. Never called after `release`. Never throws. */
  onLost(listener: (reason: LossReason) => void): void;
  /**
   * Ends this hold and no other: a hold that was lost meanwhile stays with its new holder. Rejects only when
   * the record could not be ended and may block others (IO, NETWORK).
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_NETWORK.
   */
  release(): void | Promise<void>;
  /**
   * A child process now works under this hold: the holder's death alone no longer proves that the hold is over.
   * Only where others may conclude such a thing (lease).
   *
   * @throws LockError HOLDFAST_IO when the record cannot be written.
   */
  coverProcess?(pid: number): Promise<void>;
  /** Present where the hold ends by itself, or with this process: what a supervisor of the work needs to know. */
  readonly tether?: Tether;
  /** Where a lease is renewed: writes each later deadline to a slot of this process's announcements. */
  readonly showDeadlines?: (descriptor: number, slot: number) => void;
}

/** Ties work in another process to a hold, so that the work ends before the hold can pass to others. */
export interface Tether {
  /** {@link LeaseClock} time at which the belief in the hold ends unless it is renewed. */
  deadline(): number;
  /** From now on each later deadline is written to this descriptor, at once the present one; see `process/supervisor-protocol`. */
  publish(descriptor: number): void;
  /** A descriptor whose last close ends the hold: the supervisor keeps it open as long as the work lasts. */
  readonly descriptor?: number | undefined;
}

/**
 * One way of deciding which contender holds. The core owns waiting, deadlines, back-off, queueing, renewal, loss and
 * events; a backend only decides.
 *
 * If a method rejects, the backend has undone its claim, or it throws UNCONFIRMED naming the holder id.
 * Contention is a result, never an error. The core retries that, and an outage of a server that had answered before.
 */
export interface Backend extends AsyncDisposable {
  /** Name of the backend in events, messages and JSON: `flock`, `redis`. */
  readonly name: string;
  /** What this backend can do. */
  readonly capabilities: Capabilities;
  /**
   * Decides at once; never waits for contention to clear. A backend that needs no I/O wait (flock, memory) answers
   * synchronously, which spares its callers a turn of the microtask queue.
   *
   * @throws LockError for every failure but contention. It has then undone its claim, or throws
   * HOLDFAST_UNCONFIRMED.
   */
  tryAcquire(request: AcquireRequest, signal?: AbortSignal): Attempt | Promise<Attempt>;
  /**
   * Present only where the engine itself queues. Resolves with the grant; rejects with `signal.reason` promptly
   * after an abort. A grant that races with the abort is released by the backend.
   *
   * @throws LockError for every failure of the engine; the claim is undone then.
   */
  waitAcquire?(request: AcquireRequest, signal: AbortSignal): Promise<Grant>;
  /**
   * Makes the exclusive hold of `grant` one of `request`, which is of the same resource, without freeing the lock in
   * between. From then on `grant` can do nothing to it. Undefined, and nothing is changed, where that cannot be.
   * Absent where a release and another attempt cost no system call. Never throws.
   */
  passOn?(grant: Grant, request: AcquireRequest): Grant | undefined;
  /**
   * True for a failure of a server that may pass: it is down, unreachable or silent, or changes its leader. Never
   * throws.
   */
  isOutage?(error: unknown): boolean;
  /**
   * Resolves with the error for a call whose deadline passed before the server answered: whether the lock is held
   * is not known. Never rejects.
   */
  unanswered?(request: AcquireRequest): Promise<unknown>;
  /**
   * Blocks the calling thread up to `timeoutMs`. Only where the kernel can.
   *
   * @throws LockError for every failure but contention.
   */
  acquireBlocking?(request: AcquireRequest, timeoutMs: number): Attempt;
  /**
   * One name for all the names of a lock, equal in every process. Absent where a lock has one name.
   *
   * @throws LockError when the name cannot be resolved.
   */
  canonicalName?(resource: string): Promise<string>;
  /**
   * Holders and waiters, without side effects on them.
   *
   * @throws LockError when the holders cannot be read.
   */
  inspect?(resource: string): Promise<readonly HolderInfo[]>;
  /**
   * The last tick that was claimed of `resource`; undefined when none was. Needs no hold.
   *
   * @throws LockError when the store cannot be read.
   */
  lastTick?(resource: string): Promise<number | undefined>;
  /**
   * Claims `tick` for a holder, durably; resolves with the last tick, and changes nothing, when that is not below it.
   *
   * @throws LockError HOLDFAST_LOST where the store sees that the hold is over; when the store cannot be written.
   */
  claimTick?(
    hold: { readonly resource: string; readonly holderId: string },
    tick: number,
  ): Promise<number | undefined>;
  /**
   * Every resource that is held, where the engine can list them.
   *
   * @throws LockError when the engine cannot be read.
   */
  list?(): Promise<readonly string[]>;
  /**
   * What is known against this very server, in sentences; empty when nothing is, or when it does not answer. Never
   * throws.
   */
  weaknesses?(): Promise<readonly string[]>;
  /**
   * The cycle that this process closes by waiting for `resource`; undefined when there is none or none can be
   * seen. Cheap when there is none: the core calls it repeatedly during a wait. Never throws.
   */
  findDeadlock?(resource: string): Promise<readonly DeadlockLink[] | undefined>;
  /**
   * Ends the hold named by `holderId`; false when that is not the current one. Others wait until its holder has
   * noticed, unless `isImmediate`: then two may believe to hold for a while, and only fencing tokens protect.
   *
   * @throws LockError HOLDFAST_PERMISSION or HOLDFAST_IO when the record cannot be changed.
   */
  forceRelease?(
    resource: string,
    holderId: string,
    options?: { readonly isImmediate?: boolean },
  ): Promise<boolean>;
}
