import { acquire } from '../core/acquisition.js';
import type { Backend, HolderInfo } from '../core/backend.js';
import { LockError } from '../core/errors.js';
import { printable } from '../core/holder-json.js';
import { Namespace } from '../core/namespace.js';
import { resolveOptions, type LockOptions } from '../core/options.js';
import { flockObserver } from '../backends/flock/index.js';
import { isWithoutPermits } from '../backends/flock/permits.js';
import { systemClock } from '../platform/clock.js';
import { LockSurvey } from '../platform/lock-survey.js';
import { waitChain, type WaitChain } from '../platform/wait-graph.js';
import { announcer } from './announcing.js';
import { assertNoLease } from './file-choice.js';
import { targetOf, type Lock } from './lock.js';

/** A snapshot of a lock for display; it may be stale when you read it. */
export interface Inspection {
  /** As the caller wrote it, without credentials. */
  readonly address: string;
  /** `flock`, `lease`, ... */
  readonly backend: string;
  /** Whether at least one holder was seen. */
  readonly isHeld: boolean;
  /** One that holds but cannot be seen from here is in this list too, with a note. */
  readonly holders: readonly HolderInfo[];
  /** Waiters that were seen, in no promised order. */
  readonly waiters: readonly HolderInfo[];
}

/**
 * The holders and waiters of a lock. Changes nothing: no file is created, no byte written.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH for a kernel lock on the directory of a lease, HOLDFAST_UNSUPPORTED when the backend cannot list holders, HOLDFAST_PERMISSION or HOLDFAST_IO when it
 *   cannot look.
 * @example
 * const { isHeld, holders } = await inspect('deploy.lock');
 */
export async function inspect(lock: string | Lock): Promise<Inspection> {
  const { namespace, resource, address } = targetOf(lock);
  const { backend } = namespace;
  if (backend.inspect === undefined) {
    throw new LockError(
      `Could not inspect "${address}": the ${backend.name} backend cannot list its holders. Ask where it is kept.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: address },
    );
  }
  if (backend.name === 'flock') assertNoLease(resource);
  const found = (await backend.inspect(resource)).map(printable);
  const holders = found.filter(({ state }) => state === 'holder');
  const waiters = found.filter(({ state }) => state === 'waiter');
  return { address, backend: backend.name, isHeld: holders.length > 0, holders, waiters };
}

/**
 * {@link inspect}, for many locks: those that one look at the kernel's table shows to be free are not looked at one by one.
 *
 * @throws as {@link inspect}.
 */
export async function inspectAll(locks: readonly string[]): Promise<readonly Inspection[]> {
  const survey = new LockSurvey();
  const found: Inspection[] = [];
  for (const lock of locks) {
    const { namespace, resource, address } = targetOf(lock);
    const isFree =
      namespace.backend.name === 'flock' && survey.isSurelyFree(resource) && isWithoutPermits(resource);
    found.push(
      isFree ? { address, backend: 'flock', isHeld: false, holders: [], waiters: [] } : await inspect(lock),
    );
  }
  return found;
}

/** What is known against the server that keeps `lock`: versions with faults. Asks it; empty where there is no server. */
export async function weaknesses(lock: string | Lock): Promise<readonly string[]> {
  return (await targetOf(lock).namespace.backend.weaknesses?.()) ?? [];
}

/**
 * Why a lock is not free: its holders, what these wait for themselves, and so on, to the end or to a cycle.
 * Kernel locks only; on Linux, of processes that can be seen from here.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for other backends.
 */
export function explain(lock: string | Lock): Promise<WaitChain> {
  const { namespace, resource, address } = targetOf(lock);
  if (namespace.backend.name === 'flock') return waitChain(resource);
  throw new LockError(
    `Could not explain "${address}": only for kernel locks can it be seen what a holder waits for. Use inspect().`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}

/**
 * Resolves once the lock is free, without acquiring it, except for the moment that proves it on kernel locks.
 * It may be held again when the promise resolves.
 *
 * @throws as `acquire`, by the same options.
 */
export async function waitUntilFree(lock: string | Lock, options: LockOptions): Promise<void> {
  const target = targetOf(lock);
  const backend =
    target.namespace.backend.name === 'flock'
      ? flockObserver
      : pollingObserver(lock, target.namespace.backend);
  // A namespace of its own: a caller that only waits for the end of a hold does not queue with those that acquire.
  const namespace = new Namespace(backend, systemClock);
  namespace.announcer = announcer;
  await acquire({ ...target, namespace }, resolveOptions(options, target.namespace.leases));
}

function pollingObserver(lock: string | Lock, observed: Backend): Backend {
  return {
    name: observed.name,
    capabilities: { ...observed.capabilities, orphan: 'released', modes: ['exclusive'] },
    async tryAcquire() {
      if ((await inspect(lock)).isHeld) return { kind: 'contended' };
      const nothing = (): undefined => undefined;
      return { kind: 'granted', grant: { check: nothing, onLost: nothing, release: nothing } };
    },
    ...(observed.inspect !== undefined && {
      inspect: (resource) => observed.inspect?.(resource) ?? Promise.resolve([]),
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
