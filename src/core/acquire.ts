import { backoffDelayMs } from './backoff.js';
import type { AcquireRequest, Attempt, Backend, Grant } from './backend.js';
import { acquireChannel } from './events.js';
import { isLockError } from './errors.js';
import { HeldGuard, type Guard } from './guard.js';
import type { LockSpace } from './lock-space.js';
import { canceledError, contendedError, deadlockError, timeoutError } from './messages.js';
import { deadlockSoon, lookoutFor, namesFor, type Seen } from './names.js';
import type { ResolvedOptions } from './options.js';
import type { ResourceQueue } from './queue.js';
import { impossibility, newRequest, queueKey, queueMode } from './request.js';
import { traced } from './traced.js';
import { turnTold } from './turn.js';

import { discardLater, unlessEnded } from './unless-ended.js';
import { Wait } from './wait.js';

/** Of a call that tries once, for leases that ended before their renewal was under way. */
const ARMING_TRIES = 2;

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
  let request = newRequest(target, options, undefined);
  const asked = space.backend.tryAcquire(request, options.signal);
  if (!(asked instanceof Promise) && asked.kind === 'granted' && asked.grant.lease === undefined) {
    // Counted in the turn in which it was granted: an `acquireSync` in the caller's next statement must know of it.
    const queue = space.queueFor(queueKey(target, options));
    queue.addHold(queueMode(options));
    return new HeldGuard(space, queue, address, request, asked.grant);
  }
  let attempt = await asked;
  for (let tries = 1; ; tries++) {
    if (attempt.kind === 'contended') {
      seen.holders = attempt.holders;
      return undefined;
    }
    const { grant: granted } = attempt;
    try {
      if (options.signal?.aborted === true) throw canceledError(address, options.signal.reason);
      // oxlint-disable-next-line no-await-in-loop -- a second time only when the first came to nothing
      const grant = await armed(target, request, granted);
      const queue = space.queueFor(queueKey(target, options));
      queue.addHold(queueMode(options));
      return new HeldGuard(space, queue, address, request, grant);
    } catch (error) {
      // oxlint-disable-next-line no-await-in-loop
      await granted.release();
      if (!wasLost(error) || tries === ARMING_TRIES) throw error;
    }
    request = newRequest(target, options, undefined);
    // oxlint-disable-next-line no-await-in-loop
    attempt = await space.backend.tryAcquire(request, options.signal);
  }
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
  let mustLeaveDoor = first !== undefined;
  try {
    if (first === undefined) {
      await turnTold(space.clock, options, queue, wait);
      mustLeaveDoor = true;
    }
    const asked = await ask(target, options, queue, wait, first);
    // A turn of the microtask queue is worth sparing here: whoever waited runs with cold caches.
    const isReady = asked.grant.lease === undefined && wait.ended === undefined;
    const { request, grant } = isReady ? asked : await confirmed(target, options, queue, wait, asked);
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
    const [holders, deadlock] = await Promise.all([namesFor(target, wait), deadlockSoon(target)]);
    throw timeoutError(address, options, holders, deadlock);
  }
}

/** A try that does not leave this host is over before it could be called off. */
function signalFor({ capabilities }: Backend, wait: Wait): AbortSignal | undefined {
  return capabilities.reach === 'network' ? wait.signal : undefined;
}

/** What a backend granted, and what it was asked for. */
interface Asked {
  readonly request: AcquireRequest;
  readonly grant: Grant;
}

/** Asks the backend until it grants. Contention is the only answer that is asked again. */
async function ask(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue,
  wait: Wait,
  first: FirstAttempt | undefined,
): Promise<Asked> {
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
    wait.noteContention(attempt.holders);
    if (backend.waitAcquire !== undefined) {
      const waiting = newRequest(target, options, queue);
      return { request: waiting, grant: await backend.waitAcquire(waiting, wait.signal) };
    }
    await wait.pause(attempt.retryAfterMs ?? backoffDelayMs(attempts));
  }
}

/**
 * With its renewal armed. A lease that ended before that was given to nobody: it is asked for again like one that
 * somebody else took, and this time the thread that renews is there.
 */
async function confirmed(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue,
  wait: Wait,
  first: Asked,
): Promise<Asked> {
  let asked = first;
  for (;;) {
    const { request } = asked;
    try {
      // oxlint-disable-next-line no-await-in-loop
      return { request, grant: await confirm(target, request, asked.grant, wait) };
    } catch (error) {
      if (!wasLost(error) || wait.ended !== undefined) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop
    asked = await ask(target, options, queue, wait, undefined);
  }
}

function wasLost(error: unknown): boolean {
  return isLockError(error) && error.isLost;
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
