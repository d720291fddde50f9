import type { Backend } from '../core/backend.js';
import { LockSpace, type LeaseKeeper } from '../core/lock-space.js';
import { LEASE_CAPABILITIES, type LeaseConfig } from '../backends/lease/config.js';
import { systemClock } from '../host/clock.js';
import { leaseClock } from '../host/lease-clock.js';

let keeper: Promise<LeaseKeeper> | undefined;

/** One for all leases of this thread; its code is loaded with the first of them. */
export const leaseKeeper: LeaseKeeper = {
  arm: async (grant, hold) => {
    keeper ??= import('../keeper/index.js').then(({ createKeeper }) => createKeeper(systemClock, leaseClock));
    return (await keeper).arm(grant, hold);
  },
};

/** Leases on directories. Their code is loaded when the first is asked for: most processes only flock. */
export function leaseSpace(config: LeaseConfig): LockSpace {
  let loading: Promise<Backend> | undefined;
  const load = (): Promise<Backend> =>
    (loading ??= import('../backends/lease/backend.js').then(
      ({ LeaseBackend }) => new LeaseBackend(config, systemClock, leaseClock),
    ));
  const backend: Backend = {
    name: 'lease',
    capabilities: LEASE_CAPABILITIES,
    tryAcquire: async (request, signal) => (await load()).tryAcquire(request, signal),
    inspect: async (resource) => (await (await load()).inspect?.(resource)) ?? [],
    forceRelease: async (resource, holderId, options) =>
      (await (await load()).forceRelease?.(resource, holderId, options)) ?? false,
    [Symbol.asyncDispose]: async () => (await loading)?.[Symbol.asyncDispose](),
  };
  return new LockSpace(backend, systemClock, leaseKeeper);
}
