import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { MEMORY_CAPABILITIES } from './config.js';
import { entryKey, queueHold, threadStore, tryHold, type MemoryStore } from './store.js';

/** Locks between the callers of one JavaScript thread. Worker threads have a store of their own. */
export function createMemoryBackend(store: MemoryStore = threadStore()): Backend {
  return {
    name: 'memory',
    capabilities: MEMORY_CAPABILITIES,

    tryAcquire(request): Attempt {
      const grant = tryHold(store, request);
      return grant === undefined ? { kind: 'contended' } : { kind: 'granted', grant };
    },

    waitAcquire(request, signal): Promise<Grant> {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        let leave: (() => void) | undefined;
        const onAbort = (): void => {
          leave?.();
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        leave = queueHold(store, request, (grant) => {
          signal.removeEventListener('abort', onAbort);
          resolve(grant);
        });
      });
    },

    inspect(resource): Promise<readonly HolderInfo[]> {
      const keys = [entryKey({ resource }), entryKey({ resource, permits: 1 })];
      const entries = keys.flatMap((key) => store.entries.get(key) ?? []);
      return Promise.resolve(
        entries.flatMap(({ holders, waiters }) => [
          ...[...holders.values()].map((request) => describe('holder', request)),
          ...[...waiters].map((waiter) => describe('waiter', waiter.request)),
        ]),
      );
    },

    lastTick: (resource) => Promise.resolve(store.ticks?.get(resource)),
    claimTick({ resource }, tick): Promise<number | undefined> {
      store.ticks ??= new Map();
      const last = store.ticks.get(resource);
      if (last !== undefined && last >= tick) return Promise.resolve(last);
      store.ticks.set(resource, tick);
      return Promise.resolve(undefined);
    },

    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function describe(state: HolderInfo['state'], request: AcquireRequest): HolderInfo {
  const { mode, holderId, reason, info } = request;
  return {
    state,
    mode,
    pid: process.pid,
    holderId,
    isAlive: true,
    ...(reason !== undefined && { reason }),
    ...(info !== undefined && { info: JSON.parse(info) as unknown }),
  };
}
