import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import { MEMORY_CAPABILITIES } from './config.js';

interface Waiter {
  readonly request: AcquireRequest;
  readonly grant: (grant: Grant) => void;
}

interface Entry {
  readonly holders: Map<string, AcquireRequest>;
  readonly waiters: Set<Waiter>;
}

interface State {
  readonly entries: Map<string, Entry>;
  lastToken: bigint;
}

/** Shared by every copy of the package in this thread, so that two copies exclude each other. */
const STATE = Symbol.for('holdfast.memory.1');

function sharedState(): State {
  const holder = globalThis as { [STATE]?: State };
  return (holder[STATE] ??= { entries: new Map(), lastToken: 0n });
}

export function createMemoryBackend(state: State = sharedState()): Backend {
  function hasRoom(entry: Entry, request: AcquireRequest): boolean {
    if (entry.holders.size === 0) return true;
    if (request.mode === 'exclusive') return false;
    for (const holder of entry.holders.values()) if (holder.mode === 'exclusive') return false;
    return true;
  }

  function grantTo(entry: Entry, request: AcquireRequest): Grant {
    entry.holders.set(request.holderId, request);
    // Tokens rise over all resources, so that a forgotten entry cannot start one again.
    const fencingToken = ++state.lastToken;
    return {
      fencingToken,
      check: () => undefined,
      onLost: () => undefined,
      release: () => {
        if (entry.holders.delete(request.holderId)) advance(request.resource, entry);
      },
    };
  }

  function advance(resource: string, entry: Entry): void {
    for (const waiter of entry.waiters) {
      if (!hasRoom(entry, waiter.request)) return;
      entry.waiters.delete(waiter);
      waiter.grant(grantTo(entry, waiter.request));
    }
    if (entry.holders.size === 0) state.entries.delete(resource);
  }

  function entryOf(resource: string): Entry {
    let entry = state.entries.get(resource);
    if (entry === undefined) {
      entry = { holders: new Map(), waiters: new Set() };
      state.entries.set(resource, entry);
    }
    return entry;
  }

  return {
    name: 'memory',
    capabilities: MEMORY_CAPABILITIES,

    tryAcquire(request): Attempt {
      const entry = entryOf(request.resource);
      if (!hasRoom(entry, request) || entry.waiters.size > 0) return { kind: 'contended' };
      return { kind: 'granted', grant: grantTo(entry, request) };
    },

    waitAcquire(request, signal): Promise<Grant> {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        const entry = entryOf(request.resource);
        const onAbort = (): void => {
          entry.waiters.delete(waiter);
          reject(signal.reason as Error);
          // The one who left may have been all that kept a compatible follower out.
          advance(request.resource, entry);
        };
        const waiter: Waiter = {
          request,
          grant: (grant) => {
            signal.removeEventListener('abort', onAbort);
            resolve(grant);
          },
        };
        entry.waiters.add(waiter);
        signal.addEventListener('abort', onAbort, { once: true });
        advance(request.resource, entry);
      });
    },

    inspect(resource): Promise<readonly HolderInfo[]> {
      const entry = state.entries.get(resource);
      if (entry === undefined) return Promise.resolve([]);
      const describe = (stand: HolderInfo['state']) => (request: AcquireRequest) => ({
        state: stand,
        mode: request.mode,
        pid: process.pid,
        holderId: request.holderId,
        isAlive: true,
        ...(request.reason !== undefined && { reason: request.reason }),
      });
      return Promise.resolve([
        ...[...entry.holders.values()].map(describe('holder')),
        ...[...entry.waiters].map((waiter) => describe('waiter')(waiter.request)),
      ]);
    },

    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
