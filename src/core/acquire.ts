import { backoffDelayMs } from './backoff.js';
import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import { acquireChannel, type AcquireEvent } from './events.js';
import { isLockError } from './errors.js';
import { HeldGuard, type Guard } from './guard.js';
import type { LockSpace } from './lock-space.js';
import { canceledError, contendedError, deadlockError, timeoutError } from './messages.js';
import type { ResolvedOptions } from './options.js';
import type { ResourceQueue } from './queue.js';
import { impossibility, newRequest, queueKey, queueMode } from './request.js';
import { turnTold } from './turn.js';
import { discardLater, unlessEnded } from './unless-ended.js';
import { Wait, type Lookout } from './wait.js';

/** What is to be acquired, after its address was understood. */
export interface Target {
  readonly space: LockSpace;
  /** The backend's own name for the resource. */
  readonly resource: string;
  /** What people are shown. */
  readonly address: string;
}

/** Waits until the lock is held, within the one deadline of `options`. */
export function acquire(target: Target, options: ResolvedOptions): Promise<Guard> {
  if (acquireChannel.hasSubscribers) return traced(target, options, acquireUntraced);
  return acquireUntraced(target, options);
}

/** One try. Undefined when somebody else has it; every other failure is thrown. */
export function tryAcquire(target: Target, options: ResolvedOptions): Promise<Guard | undefined> {
  if (acquireChannel.hasSubscribers) return traced(target, options, tryUntraced);
  return tryUntraced(target, options);
}

/** The fast path is synchronous down to the system calls, and makes one promise. */
function acquireUntraced(target: Target, options: ResolvedOptions): Promise<Guard> {
  if (options.timeoutMs === 0) return acquireAtOnce(target, options);
  const { space, address } = target;
  const impossible = impossibility(target, options);
  if (impossible !== undefined) return Promise.reject(impossible);
  const queue = space.queueFor(queueKey(target, options));
  if (!queue.tryEnter(queueMode(options))) return contend(target, options, queue, undefined);
  const request = newRequest(target, options, queue);
  let attempt: Attempt | Promise<Attempt>;
  try {
    attempt = space.backend.tryAcquire(request);
  } catch (error) {
    queue.leaveDoor();
    return Promise.reject(error);
  }
  if (attempt instanceof Promise || attempt.kind !== 'granted' || attempt.grant.lease !== undefined) {
    return contend(target, options, queue, { request, attempt });
  }
  queue.leaveDoorHolding(queueMode(options));
  return Promise.resolve(new HeldGuard(space, queue, address, request, attempt.grant));
}

async function acquireAtOnce(target: Target, options: ResolvedOptions): Promise<Guard> {
  const seen: Seen = {};
  const guard = await tryUntraced(target, options, seen);
  if (guard === undefined) {
    throw contendedError(target.address, await namesFor(target, seen), options.timeoutSource);
  }
  return guard;
}

/** Who was in the way of the last attempt, where the backend knew. */
interface Seen {
  holders?: readonly HolderInfo[] | undefined;
}

async function tryUntraced(
  target: Target,
  options: ResolvedOptions,
  seen: Seen = {},
): Promise<Guard | undefined> {
  const { space, address } = target;
  const impossible = impossibility(target, options);
  if (impossible !== undefined) throw impossible;
  // A try may pass waiters by, as try-locks do everywhere; it never passes a holder.
  const known = space.existingQueue(queueKey(target, options));
  if (known?.hasRoomFor(queueMode(options)) === false) return undefined;
  const request = newRequest(target, options, undefined);
  const asked = space.backend.tryAcquire(request, options.signal);
  if (!(asked instanceof Promise) && asked.kind === 'granted' && asked.grant.lease === undefined) {
    // Counted in the turn in which it was granted: an `acquireSync` in the caller's next statement must know of it.
    const queue = space.queueFor(queueKey(target, options));
    queue.addHold(queueMode(options));
    return new HeldGuard(space, queue, address, request, asked.grant);
  }
  const attempt = await asked;
  if (attempt.kind === 'contended') {
    seen.holders = attempt.holders;
    return undefined;
  }
  let { grant } = attempt;
  try {
    if (options.signal?.aborted === true) throw canceledError(target.address, options.signal.reason);
    grant = await armed(target, request, grant);
  } catch (error) {
    await grant.release();
    throw error;
  }
  const queue = space.queueFor(queueKey(target, options));
  queue.addHold(queueMode(options));
  return new HeldGuard(space, queue, address, request, grant);
}

interface FirstAttempt {
  readonly request: AcquireRequest;
  readonly attempt: Attempt | Promise<Attempt>;
}

/**
 * The slow path: somebody is in the way, here or elsewhere, or the backend takes its time. `first` is there when
 * the caller is at the door already and has asked once.
 */
async function contend(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue,
  first: FirstAttempt | undefined,
): Promise<Guard> {
  const { space, address } = target;
  const wait = new Wait(space.clock, options, address, lookoutFor(target));
  const seen: Seen = {};
  let mustLeaveDoor = first !== undefined;
  try {
    if (first === undefined) {
      await turnTold(space.clock, options, queue, wait);
      mustLeaveDoor = true;
    }
    const { request, grant: asked } = await ask(target, options, queue, wait, first, seen);
    // A turn of the microtask queue is worth sparing here: whoever waited runs with cold caches.
    const isReady = asked.lease === undefined && wait.ended === undefined;
    const grant = isReady ? asked : await confirm(target, request, asked, wait);
    queue.leaveDoorHolding(queueMode(options));
    mustLeaveDoor = false;
    wait.finish('acquired');
    return new HeldGuard(space, queue, address, request, grant);
  } catch (error) {
    if (mustLeaveDoor) queue.leaveDoor();
    const ended = wait.ended;
    if (ended === undefined || error !== ended) {
      wait.finish('error');
      throw error;
    }
    wait.finish(ended.kind);
    if (ended.kind === 'canceled') throw canceledError(address, ended.reason);
    if (ended.kind === 'deadlock') throw deadlockError(address, ended.cycle);
    const [holders, deadlock] = await Promise.all([
      namesFor(target, seen),
      soonOr(undefined, target, deadlockOf(target)),
    ]);
    throw timeoutError(address, options, holders, deadlock);
  }
}

/** A try that does not leave this host is over before it could be called off. */
function signalFor({ capabilities }: Backend, wait: Wait): AbortSignal | undefined {
  return capabilities.reach === 'network' ? wait.signal : undefined;
}

/** Asks the backend until it grants. Contention is the only answer that is asked again. */
async function ask(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue,
  wait: Wait,
  first: FirstAttempt | undefined,
  seen: Seen,
): Promise<{ request: AcquireRequest; grant: Grant }> {
  const { backend } = target.space;
  for (let attempts = 1; ; attempts++) {
    if (wait.ended !== undefined) {
      discardLater(first?.attempt);
      throw wait.ended;
    }
    const request = first?.request ?? newRequest(target, options, queue);
    const attempt = await unlessEnded(
      first?.attempt ?? backend.tryAcquire(request, signalFor(backend, wait)),
      wait,
    );
    first = undefined;
    if (attempt.kind === 'granted') return { request, grant: attempt.grant };
    wait.noteContention();
    seen.holders = attempt.holders;
    if (backend.waitAcquire !== undefined) {
      const waiting = newRequest(target, options, queue);
      return { request: waiting, grant: await backend.waitAcquire(waiting, wait.signal) };
    }
    await wait.pause(attempt.retryAfterMs ?? backoffDelayMs(attempts));
  }
}

/**
 * The last step before a grant is given out: its renewal is armed, and a caller who canceled in the very tick of
 * the grant gets what it was promised, an error and no hold. A deadline that passed in that tick takes nothing back.
 */
async function confirm(target: Target, request: AcquireRequest, asked: Grant, wait: Wait): Promise<Grant> {
  let grant = asked;
  try {
    grant = await armed(target, request, asked);
    if (wait.ended?.kind === 'canceled') throw wait.ended;
    return grant;
  } catch (error) {
    await grant.release();
    throw error;
  }
}

function armed(target: Target, { holderId }: AcquireRequest, grant: Grant): Grant | Promise<Grant> {
  const { backend, keeper } = target.space;
  if (grant.lease === undefined || keeper === undefined) return grant;
  return keeper.arm(grant, { resource: target.address, backend: backend.name, holderId });
}

/** Names for a message. A backend that cannot tell must not hide the error that the message is about. */
async function holdersOf(target: Target): Promise<readonly HolderInfo[]> {
  try {
    return (await target.space.backend.inspect?.(target.resource)) ?? [];
  } catch {
    return [];
  }
}

/** What the attempt itself was told comes first: to ask once more over a network would take longer than an error waits. */
async function namesFor(target: Target, { holders = [] }: Seen): Promise<readonly HolderInfo[]> {
  return holders.length > 0 ? holders : soonOr([], target, holdersOf(target));
}

/** How long an error waits for names beyond its deadline; without them it says less, but it comes. */
const NAMES_WITHIN_MS = 200;

function soonOr<T>(otherwise: T, { space }: Target, names: Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    const timer = space.clock.setTimer(NAMES_WITHIN_MS, () => resolve(otherwise));
    void names.then((found) => {
      timer.clear();
      resolve(found);
    });
  });
}

async function deadlockOf({ space, resource }: Target): Promise<readonly DeadlockLink[] | undefined> {
  try {
    return await space.backend.findDeadlock?.(resource);
  } catch {
    return undefined;
  }
}

function lookoutFor(target: Target): Lookout {
  const inspect = (): Promise<readonly HolderInfo[]> => holdersOf(target);
  if (target.space.backend.findDeadlock === undefined) return { inspect };
  return { inspect, findDeadlock: () => deadlockOf(target) };
}

function traced<T extends Guard | undefined>(
  target: Target,
  options: ResolvedOptions,
  run: (target: Target, options: ResolvedOptions) => Promise<T>,
): Promise<T> {
  const { clock, backend } = target.space;
  const event: AcquireEvent = { resource: target.address, backend: backend.name, mode: options.mode };
  const startedAt = clock.now();
  const finish = (outcome: NonNullable<AcquireEvent['outcome']>): void => {
    event.waitedMs = clock.now() - startedAt;
    event.outcome = outcome;
  };
  return acquireChannel.tracePromise(async () => {
    try {
      const guard = await run(target, options);
      finish(guard === undefined ? 'contended' : 'acquired');
      return guard;
    } catch (error) {
      finish(outcomeOf(error));
      throw error;
    }
  }, event);
}

function outcomeOf(error: unknown): NonNullable<AcquireEvent['outcome']> {
  if (!isLockError(error)) return 'error';
  if (error.isCanceled) return 'canceled';
  if (error.isDeadlock) return 'deadlock';
  if (error.isTimeout) return error.code === 'HOLDFAST_CONTENDED' ? 'contended' : 'timeout';
  return 'error';
}
