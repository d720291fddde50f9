import { existsSync } from 'node:fs';

import type { AcquireRequest, Attempt, Grant, HolderInfo } from '../../core/backend.js';
import { LockError } from '../../core/errors.js';

/** The head of the queue blocks on every permit, each in a thread of its own. */
export const FLOCK_PERMITS_MAX = 256;

/** What permits are made of: locks on single files. */
export interface FileLocks {
  tryFile(request: AcquireRequest): Attempt;
  waitAcquire(request: AcquireRequest, signal: AbortSignal): Promise<Grant>;
}

const slotPath = (resource: string, slot: number): string => (slot === 1 ? resource : `${resource}.${slot}`);
const queuePath = (resource: string): string => `${resource}.queue`;

/**
 * Each permit is a kernel lock on a file of its own: PATH, PATH.2, PATH.3 and so on. So one permit is the lock itself,
 * and a program that locks PATH takes one. A dead holder's permit comes back with its descriptor.
 */
export function tryPermit(locks: FileLocks, request: AcquireRequest, permits: number): Attempt {
  assertPossible(request, permits);
  for (let slot = 1; slot <= permits; slot++) {
    const attempt = locks.tryFile(slotRequest(request, slotPath(request.resource, slot)));
    if (attempt.kind === 'granted') return attempt;
  }
  return { kind: 'contended' };
}

/**
 * PATH.queue is the queue: its holder is the first waiter, and takes the permit that comes free first, asleep in
 * the kernel. First come, first served.
 */
export async function waitForPermit(
  locks: FileLocks,
  request: AcquireRequest,
  permits: number,
  signal: AbortSignal,
): Promise<Grant> {
  assertPossible(request, permits);
  const place = await locks.waitAcquire(slotRequest(request, queuePath(request.resource)), signal);
  try {
    const attempt = tryPermit(locks, request, permits);
    if (attempt.kind === 'granted') return attempt.grant;
    return await firstFree(locks, request, permits, signal);
  } finally {
    await place.release();
  }
}

/** The first permit that any of the waits gets, once the others are over; a second one of that moment is released. */
async function firstFree(
  locks: FileLocks,
  request: AcquireRequest,
  permits: number,
  signal: AbortSignal,
): Promise<Grant> {
  const others = new AbortController();
  const stop = AbortSignal.any([signal, others.signal]);
  let first: Grant | undefined;
  let failure: unknown;
  const waits = Array.from({ length: permits }, async (_, index) => {
    try {
      const grant = await locks.waitAcquire(
        slotRequest(request, slotPath(request.resource, index + 1)),
        stop,
      );
      if (first === undefined && !stop.aborted) first = grant;
      else await grant.release();
    } catch (error) {
      failure ??= error;
    }
    others.abort();
  });
  await Promise.all(waits);
  if (first !== undefined) return first;
  throw failure;
}

/** The waiters behind PATH.2 and further, and those in the queue. The holder of the queue is the first waiter. */
export async function inspectPermits(
  inspectFile: (path: string) => Promise<readonly HolderInfo[]>,
  resource: string,
): Promise<readonly HolderInfo[]> {
  const found: HolderInfo[] = [];
  for (let slot = 2; slot <= FLOCK_PERMITS_MAX && existsSync(slotPath(resource, slot)); slot++) {
    const holders = await inspectFile(slotPath(resource, slot));
    // A waiter for one permit waits for all: it is in the queue, and counted there.
    found.push(...holders.filter(({ state }) => state === 'holder'));
  }
  if (!existsSync(queuePath(resource))) return found;
  const queued = await inspectFile(queuePath(resource));
  return [...found, ...queued.map((info): HolderInfo => ({ ...info, state: 'waiter' }))];
}

/** No second permit was ever taken, and no caller ever waited for one. */
export function isWithoutPermits(resource: string): boolean {
  return !existsSync(slotPath(resource, 2)) && !existsSync(queuePath(resource));
}

function slotRequest(request: AcquireRequest, resource: string): AcquireRequest {
  return { ...request, resource, permits: undefined };
}

function assertPossible({ resource, fencing }: AcquireRequest, permits: number): void {
  if (fencing) {
    throw new LockError(
      `Could not number the holds of "${resource}": of several holders none is the latest. Leave fencing out, or take the lock itself.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource },
    );
  }
  if (permits > FLOCK_PERMITS_MAX) {
    throw new LockError(
      `Could not lock "${resource}": a kernel lock has at most ${FLOCK_PERMITS_MAX} permits, and ${permits} were asked for. Use an engine for more.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource },
    );
  }
}
