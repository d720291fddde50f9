// Backends with one bug each, which the suite must find. A mutant is loaded by child processes too, by its name.
import { unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { FlockBackend, NAMED_FILE } from '../../dist/backends/flock/index.js';
import { createMemoryBackend, MEMORY_CAPABILITIES } from '../../dist/backends/memory/index.js';
import { systemClock } from '../../dist/platform/clock.js';
import { clientOf } from '../../dist/testing/index.js';
import {
  changed,
  contended,
  forgetfulOfAborts,
  freeingSuccessors,
  lastInFirstOut,
  queuedByTickets,
  releasing,
  stall,
  tryByExistence,
  tryPermitByExistence,
  tryWithoutInodeCheck,
  withLossForListeners,
  withLostWakeUp,
  withRestartedTimeout,
} from './mutant-parts.mjs';
import { subject as flock } from './subjects/flock.mjs';
import { subject as memory } from './subjects/memory.mjs';

const flockWith = (changes) => () => clientOf(changed(new FlockBackend(NAMED_FILE, systemClock), changes));
const memoryWith = (changes) => () => clientOf(changed(createMemoryBackend(), changes));
const spelledTokens = new Map();
const withPermits = (backend, count) => ({
  tryAcquire: (request) => backend.tryAcquire({ ...request, permits: count(request.permits) }),
  waitAcquire: (request, signal) =>
    backend.waitAcquire({ ...request, permits: count(request.permits) }, signal),
});
const noFencing = { ...flock.capabilities, fencing: false };

const lossForListeners = withLossForListeners();

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
  'writer that looks from time to time': [
    'SHARE-6',
    /although a writer of another program waited/,
    { ...flock, createClient: flockWith(() => ({ waitAcquire: undefined })) },
  ],
  'nested read that waits for its own release': [
    'SHARE-7',
    /HOLDFAST_TIMEOUT did not happen/,
    {
      ...memory,
      createClient: () => {
        const client = clientOf(createMemoryBackend());
        const acquire = (resource, options) => client.acquire(resource, { ...options, timeoutMs: Infinity });
        return { ...client, acquire };
      },
    },
  ],
  'lock file that outlives an exit': [
    'DIE-4',
    /the grant after an exit/,
    {
      ...flock,
      capabilities: noFencing,
      createClient: flockWith(() => ({
        waitAcquire: undefined,
        tryAcquire: ({ resource }) => tryByExistence(resource),
      })),
    },
  ],
  'ticket of a dead waiter': [
    'DIE-5',
    /the grant behind a dead waiter/,
    { ...flock, capabilities: noFencing, createClient: flockWith(queuedByTickets) },
  ],
  'permit that outlives its holder': [
    'PERMIT-3',
    /the permit of a dead holder/,
    {
      ...flock,
      capabilities: noFencing,
      createClient: flockWith(() => ({ waitAcquire: undefined, tryAcquire: tryPermitByExistence })),
    },
  ],
  'loss that only listeners hear of': [
    'LOST-2',
    /is not aborted/,
    { ...memory, createClient: lossForListeners.createClient, induceLoss: lossForListeners.end },
  ],
  'another lock for another spelling of the address': [
    'NAME-3',
    /another spelling of the address was granted/,
    {
      ...memory,
      createClient: memoryWith(() => ({})),
      createAliasClient: () =>
        Promise.resolve(
          clientOf(
            changed(createMemoryBackend(), (backend) => ({
              tryAcquire: (request) =>
                backend.tryAcquire({ ...request, resource: `localhost ${request.resource}` }),
            })),
          ),
        ),
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
