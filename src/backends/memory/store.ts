import type { AcquireRequest, Grant } from '../../core/backend.js';

interface Waiter {
  readonly request: AcquireRequest;
  readonly grant: (grant: Grant) => void;
}

interface Entry {
  readonly holders: Map<string, AcquireRequest>;
  readonly waiters: Set<Waiter>;
}

export interface MemoryStore {
  readonly entries: Map<string, Entry>;
  lastToken: bigint;
  /** The last tick of each resource. */
  ticks?: Map<string, number>;
}

const STORE = Symbol.for('holdfast.memory.1');

/** One per thread, shared by every copy of the package in it, so that two copies exclude each other. */
export function threadStore(): MemoryStore {
  const global: typeof globalThis & { [STORE]?: MemoryStore } = globalThis;
  return (global[STORE] ??= { entries: new Map(), lastToken: 0n });
}

/** A resource's lock and its permits are two entries, which know nothing of each other. */
export function entryKey({ resource, permits }: Pick<AcquireRequest, 'resource' | 'permits'>): string {
  return permits === undefined ? resource : `${resource}\0permits`;
}

/** Undefined when holders, or earlier waiters, are in the way. */
export function tryHold(store: MemoryStore, request: AcquireRequest): Grant | undefined {
  const entry = entryOf(store, entryKey(request));
  return hasRoom(entry, request) && entry.waiters.size === 0 ? hold(store, entry, request) : undefined;
}

/** Queues `request` behind earlier waiters; `grant` may be called at once. Returns the way to leave. */
export function queueHold(
  store: MemoryStore,
  request: AcquireRequest,
  grant: (grant: Grant) => void,
): () => void {
  const key = entryKey(request);
  const entry = entryOf(store, key);
  const waiter: Waiter = { request, grant };
  entry.waiters.add(waiter);
  advance(store, key, entry);
  return () => {
    // The waiter that leaves may have been all that kept a compatible follower out.
    if (entry.waiters.delete(waiter)) advance(store, key, entry);
  };
}

function entryOf(store: MemoryStore, resource: string): Entry {
  let entry = store.entries.get(resource);
  if (entry === undefined) {
    entry = { holders: new Map(), waiters: new Set() };
    store.entries.set(resource, entry);
  }
  return entry;
}

function hasRoom(entry: Entry, request: AcquireRequest): boolean {
  if (entry.holders.size === 0) return true;
  if (request.permits !== undefined) return entry.holders.size < request.permits;
  if (request.mode === 'exclusive') return false;
  for (const holder of entry.holders.values()) if (holder.mode === 'exclusive') return false;
  return true;
}

function hold(store: MemoryStore, entry: Entry, request: AcquireRequest): Grant {
  entry.holders.set(request.holderId, request);
  return {
    // Tokens rise over all resources, so that an entry that was dropped cannot start one again.
    fencingToken: ++store.lastToken,
    check: () => undefined,
    onLost: () => undefined,
    release: () => {
      if (entry.holders.delete(request.holderId)) advance(store, entryKey(request), entry);
    },
  };
}

function advance(store: MemoryStore, resource: string, entry: Entry): void {
  for (const waiter of entry.waiters) {
    if (!hasRoom(entry, waiter.request)) return;
    entry.waiters.delete(waiter);
    waiter.grant(hold(store, entry, waiter.request));
  }
  // A dropped entry must not be used again through an old reference: it has no holders and no waiters.
  if (entry.holders.size === 0) store.entries.delete(resource);
}
