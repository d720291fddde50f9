// Backends with one bug each, which the suite must find. A mutant is loaded by child processes too, by its name.
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { FlockBackend, NAMED_FILE } from '../../dist/backends/flock/index.js';
import { createMemoryBackend, MEMORY_CAPABILITIES } from '../../dist/backends/memory/index.js';
import { systemClock } from '../../dist/platform/clock.js';
import { loadNative } from '../../dist/platform/native.js';
import { clientOf } from '../../dist/testing/index.js';
import { subject as flock } from './subjects/flock.mjs';
import { subject as memory } from './subjects/memory.mjs';

/** Asked again at once, so that the races of a mutant are run often. */
const contended = { kind: 'contended', retryAfterMs: 0 };

/** Widens the window that a bug leaves open, as a busy machine would. */
function stall() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}

/** A grant like `grant`, but with another release. */
function releasing(grant, release) {
  return { check: (marginMs) => grant.check(marginMs), onLost: () => {}, release: () => release(grant) };
}

/** A backend like `backend`, but with what `changes` says. */
function changed(backend, changes) {
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

const flockWith = (changes) => () => clientOf(changed(new FlockBackend(NAMED_FILE, systemClock), changes));
const memoryWith = (changes) => () => clientOf(changed(createMemoryBackend(), changes));
const spelledTokens = new Map();
const withPermits = (backend, count) => ({
  tryAcquire: (request) => backend.tryAcquire({ ...request, permits: count(request.permits) }),
  waitAcquire: (request, signal) =>
    backend.waitAcquire({ ...request, permits: count(request.permits) }, signal),
});
const noFencing = { ...flock.capabilities, fencing: false };

/** Opens and locks, but does not look whether the path still names what was opened. */
function tryWithoutInodeCheck(resource) {
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
function tryByExistence(resource) {
  try {
    writeFileSync(resource, `${process.pid}`, { flag: 'wx' });
  } catch {
    return contended;
  }
  const release = () => unlinkSync(resource);
  return { kind: 'granted', grant: { check: () => undefined, onLost: () => {}, release } };
}

function forgetfulOfAborts(backend) {
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
function withLostWakeUp(backend) {
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
function freeingSuccessors() {
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
function lastInFirstOut() {
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
function withRestartedTimeout() {
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

/** name: [the case that must fail, how it says so, the unsound subject] */
export const mutants = {
  'unlink after unlock': [
    'EXCL-3',
    /overlaps/,
    {
      ...flock,
      capabilities: noFencing,
      createClient: flockWith((backend) => ({
        waitAcquire: undefined,
        tryAcquire: (request) => {
          const attempt = backend.tryAcquire(request);
          if (attempt.kind === 'contended') return contended;
          const release = (grant) => {
            grant.release();
            stall();
            try {
              unlinkSync(request.resource);
            } catch {
              // Another one was quicker.
            }
          };
          return { kind: 'granted', grant: releasing(attempt.grant, release) };
        },
      })),
    },
  ],
  'no inode check': [
    'EXCL-3',
    /overlaps/,
    {
      ...flock,
      capabilities: noFencing,
      createClient: flockWith(() => ({
        waitAcquire: undefined,
        tryAcquire: ({ resource }) => tryWithoutInodeCheck(resource),
      })),
    },
  ],
  'lock file by existence': [
    'DIE-1',
    /the grant after a death/,
    {
      ...flock,
      capabilities: noFencing,
      createClient: flockWith(() => ({
        waitAcquire: undefined,
        tryAcquire: ({ resource }) => tryByExistence(resource),
      })),
    },
  ],
  'release frees a successor': [
    'REL-2',
    /freed the successor/,
    { ...memory, createClient: freeingSuccessors() },
  ],
  'lost wake-up': ['REL-3', /the turns of three/, { ...memory, createClient: memoryWith(withLostWakeUp) }],
  'grant leaked on abort': [
    'WAIT-4',
    /the lock after an abort/,
    { ...memory, createClient: memoryWith(forgetfulOfAborts) },
  ],
  'shared counted as exclusive': [
    'SHARE-1',
    /second shared hold was refused/,
    {
      ...memory,
      createClient: memoryWith((backend) => ({
        tryAcquire: (request) => backend.tryAcquire({ ...request, mode: 'exclusive' }),
      })),
    },
  ],
  'exclusive counted as shared': [
    'EXCL-2',
    /another program was granted/,
    {
      ...memory,
      createClient: memoryWith((backend) => ({
        tryAcquire: (request) => backend.tryAcquire({ ...request, mode: 'shared' }),
      })),
    },
  ],
  'queue not first in, first out': ['FIFO-1', /the order was/, { ...memory, createClient: lastInFirstOut }],
  'timeout restarted per retry': [
    'WAIT-2',
    /HOLDFAST_TIMEOUT did not happen/,
    { ...memory, createClient: withRestartedTimeout },
  ],
  'token repeated': [
    'FENCE-1',
    /token 7 follows 7/,
    {
      ...memory,
      createClient: memoryWith((backend) => ({
        tryAcquire: (request) => {
          const attempt = backend.tryAcquire(request);
          if (attempt.kind === 'contended') return attempt;
          return { kind: 'granted', grant: { ...attempt.grant, fencingToken: 7n } };
        },
      })),
    },
  ],
  'inspect that takes the lock': [
    'INSP-1',
    /holder/,
    {
      ...memory,
      createClient: memoryWith((backend) => ({
        inspect: async (resource) => {
          const attempt = backend.tryAcquire({ resource, mode: 'exclusive', holderId: 'probe' });
          if (attempt.kind === 'granted') await nextTurn().then(() => undefined);
          return backend.inspect(resource);
        },
      })),
    },
  ],
  'lock named by its spelling': [
    'NAME-1',
    /was granted beside/,
    { ...memory, createClient: memoryWith(() => ({})), aliasesOf: (name) => Promise.resolve([`./${name}`]) },
  ],
  'counter for each spelling': [
    'NAME-2',
    /token 1 follows/,
    {
      ...memory,
      createClient: memoryWith((backend) => ({
        tryAcquire: (request) => {
          const attempt = backend.tryAcquire({ ...request, resource: request.resource.replace('./', '') });
          if (attempt.kind === 'contended') return attempt;
          const fencingToken = (spelledTokens.get(request.resource) ?? 0n) + 1n;
          spelledTokens.set(request.resource, fencingToken);
          return { kind: 'granted', grant: { ...attempt.grant, fencingToken } };
        },
      })),
      aliasesOf: (name) => Promise.resolve([`./${name}`]),
    },
  ],
  'one permit too many': [
    'PERMIT-1',
    /one more than the permits was granted/,
    { ...memory, createClient: memoryWith((backend) => withPermits(backend, (permits) => permits + 1)) },
  ],
  'permits one after the other': [
    'PERMIT-2',
    /1 held at once, with 3 permits/,
    { ...memory, createClient: memoryWith((backend) => withPermits(backend, () => 1)) },
  ],
  'try of a reader that passes a waiting writer': [
    'SHARE-5',
    /although a writer waited/,
    {
      ...memory,
      // Its tries do not know the queue of its waits.
      createClient: () => {
        const [waits, tries] = [clientOf(createMemoryBackend()), clientOf(createMemoryBackend())];
        return { ...waits, tryAcquire: (resource, options) => tries.tryAcquire(resource, options) };
      },
    },
  ],
  'each tenth grant given twice': [
    'EXCL-5',
    /overlaps in/,
    {
      ...memory,
      createClient: () => {
        const client = clientOf(createMemoryBackend());
        let calls = 0;
        const acquire = (resource, options) =>
          client.acquire(++calls % 10 === 0 ? `${resource}-beside` : resource, options);
        return { ...client, acquire };
      },
    },
  ],
  'options not looked at': [
    'ARGS-1',
    /was taken/,
    {
      ...memory,
      createClient: () => {
        const client = clientOf(createMemoryBackend());
        return { ...client, acquire: (resource) => client.acquire(resource) };
      },
    },
  ],
};

const url = new URL(import.meta.url);
for (const [name, [, , mutant]] of Object.entries(mutants)) {
  mutant.name = name;
  mutant.module = new URL(`?mutant=${encodeURIComponent(name)}`, url);
  const { createClient } = mutant;
  mutant.createClient = () => Promise.resolve(createClient());
}

/** What a child process gets that was sent here for one mutant. */
export const subject = mutants[url.searchParams.get('mutant')]?.[2] ?? { capabilities: MEMORY_CAPABILITIES };
