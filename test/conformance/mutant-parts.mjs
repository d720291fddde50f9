// What the mutants are made of: ways of locking with one bug each.
import { closeSync, openSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { createMemoryBackend } from '../../dist/backends/memory/index.js';
import { hostNow } from '../../dist/platform/clock.js';
import { loadNative } from '../../dist/platform/native.js';
import { clientOf, LockError } from '../../dist/testing/index.js';

/** Asked again at once, so that the races of a mutant are run often. */
export const contended = { kind: 'contended', retryAfterMs: 0 };

/** Widens the window that a bug leaves open, as a busy machine would. */
export function stall() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}

/** A grant like `grant`, but with another release. */
export function releasing(grant, release) {
  return { check: (marginMs) => grant.check(marginMs), onLost: () => {}, release: () => release(grant) };
}

/** A backend like `backend`, but with what `changes` says. */
export function changed(backend, changes) {
  return {
    name: backend.name,
    capabilities: backend.capabilities,
    tryAcquire: (request) => backend.tryAcquire(request),
    ...(backend.waitAcquire && { waitAcquire: (request, signal) => backend.waitAcquire(request, signal) }),
    ...(backend.inspect && { inspect: (resource) => backend.inspect(resource) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...changes(backend),
  };
}

/** Opens and locks, but does not look whether the path still names what was opened. */
export function tryWithoutInodeCheck(resource) {
  const native = loadNative();
  const fd = openSync(resource, 'a+');
  stall();
  if (native.tryLockDescriptor(fd, 0) !== 0) {
    closeSync(fd);
    return contended;
  }
  const release = () => {
    try {
      unlinkSync(resource);
    } catch {
      // Another one, who holds it too, was quicker.
    }
    closeSync(fd);
  };
  return { kind: 'granted', grant: { check: () => undefined, onLost: () => {}, release } };
}

/** A lock file that exists while it is held, as many packages have it. */
export function tryByExistence(resource) {
  try {
    writeFileSync(resource, `${process.pid}`, { flag: 'wx' });
  } catch {
    return contended;
  }
  const release = () => unlinkSync(resource);
  return { kind: 'granted', grant: { check: () => undefined, onLost: () => {}, release } };
}

/** Of several permits each is such a file. */
export function tryPermitByExistence({ resource, permits }) {
  for (let slot = 1; slot <= permits; slot++) {
    const attempt = tryByExistence(`${resource}.${slot}`);
    if (attempt.kind === 'granted') return attempt;
  }
  return contended;
}

/** Each waiter has a ticket, a file that it removes when its turn comes. */
export function queuedByTickets(backend) {
  const tickets = new Map();
  return {
    waitAcquire: undefined,
    tryAcquire: (request) => {
      const { resource } = request;
      const ticket = tickets.get(resource) ?? `${resource}.ticket-${hostNow().toFixed(3).padStart(20, '0')}`;
      tickets.set(resource, ticket);
      writeFileSync(ticket, '');
      const queue = readdirSync(dirname(resource)).filter((name) =>
        name.startsWith(`${basename(resource)}.ticket-`),
      );
      if (queue.sort()[0] !== basename(ticket)) return contended;
      const attempt = backend.tryAcquire(request);
      if (attempt.kind === 'contended') return contended;
      unlinkSync(ticket);
      tickets.delete(resource);
      return attempt;
    },
  };
}

/** Its holds are lost when `end` is called, of which only those hear who listen by then. */
export function withLossForListeners() {
  let isLost = false;
  const acquire = () =>
    Promise.resolve({
      holderId: 'any',
      assertHeld: () => {
        if (isLost) throw new LockError('lost', { code: 'HOLDFAST_LOST' });
      },
      get lost() {
        return new AbortController().signal;
      },
      release: () => Promise.resolve(),
    });
  return {
    end: () => Promise.resolve(void (isLost = true)),
    createClient: () => ({ acquire, tryAcquire: acquire, dispose: () => Promise.resolve() }),
  };
}

export function forgetfulOfAborts(backend) {
  return {
    waitAcquire: (request, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        // The wait goes on after the abort, and its grant is given to nobody.
        void backend.waitAcquire(request, new AbortController().signal).then(resolve);
      }),
  };
}

/** Registers for the wake-up a turn after it looked: what is released in between wakes nobody. */
export function withLostWakeUp(backend) {
  const sleepers = new Set();
  return {
    tryAcquire: (request) => {
      const attempt = backend.tryAcquire(request);
      if (attempt.kind === 'contended') return attempt;
      return {
        kind: 'granted',
        grant: releasing(attempt.grant, (grant) => {
          grant.release();
          for (const wake of sleepers) wake();
        }),
      };
    },
    waitAcquire: async function wait(request, signal) {
      await nextTurn();
      await nextTurn();
      await new Promise((resolve, reject) => {
        sleepers.add(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
      const attempt = this.tryAcquire(request);
      return attempt.kind === 'granted' ? attempt.grant : wait.call(this, request, signal);
    },
  };
}

/** Releases whatever is there, each time it is called. */
export function freeingSuccessors() {
  const held = new Set();
  return () => {
    const tryAcquire = (resource) => {
      if (held.has(resource)) return Promise.resolve(undefined);
      held.add(resource);
      const release = () => Promise.resolve(void held.delete(resource));
      return Promise.resolve({ release, assertHeld: () => {}, lost: new AbortController().signal });
    };
    return { tryAcquire, acquire: tryAcquire, dispose: () => Promise.resolve() };
  };
}

/** Gives the lock to the one who came last. */
export function lastInFirstOut() {
  const client = clientOf(createMemoryBackend());
  const stack = [];
  let isHeld = false;
  const next = () => {
    isHeld = false;
    stack.pop()?.();
  };
  return {
    ...client,
    acquire: async (resource, options) => {
      if (isHeld) await new Promise((resolve) => stack.push(resolve));
      isHeld = true;
      const guard = await client.acquire(resource, options);
      const release = () => guard.release().then(next);
      return { release, assertHeld: () => guard.assertHeld(), lost: guard.lost };
    },
  };
}

/** Each retry begins with the whole timeout again. */
export function withRestartedTimeout() {
  const client = clientOf(createMemoryBackend());
  const acquire = async (resource, options) => {
    for (;;) {
      try {
        return await client.acquire(resource, { ...options, timeoutMs: (options?.timeoutMs ?? 30_000) / 2 });
      } catch (error) {
        if (error.code !== 'HOLDFAST_TIMEOUT') throw error;
      }
    }
  };
  return { ...client, acquire };
}
