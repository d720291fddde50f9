import { Namespace, type LeaseKeeper } from '../core/namespace.js';
import { LEASE_CAPABILITIES, type LeaseConfig } from '../backends/lease/config.js';
import { systemClock } from '../platform/clock.js';
import { leaseClock } from '../platform/lease-clock.js';
import { lazyBackend } from './lazy-backend.js';

let keeper: LeaseKeeper | undefined;

async function loaded(): Promise<LeaseKeeper> {
  const { createKeeper } = await import('../renewal/index.js');
  return (keeper ??= createKeeper(systemClock, leaseClock));
}

/** One for all leases of this thread; its code is loaded with the first of them. */
export const leaseKeeper: LeaseKeeper = {
  startRenewal: (grant, hold) =>
    keeper === undefined
      ? loaded().then((own) => own.startRenewal(grant, hold))
      : keeper.startRenewal(grant, hold),
  whenReady: () => keeper?.whenReady() ?? Promise.resolve(),
};

/** Leases on directories. Their code is loaded when the first is asked for: most processes only flock. */
export function leaseNamespace(config: LeaseConfig): Namespace {
  const backend = lazyBackend({
    name: 'lease',
    capabilities: LEASE_CAPABILITIES,
    hasQueue: false,
    load: async () => {
      const { LeaseBackend } = await import('../backends/lease/index.js');
      return new LeaseBackend(config, systemClock, leaseClock);
    },
  });
  return new Namespace(backend, systemClock, leaseKeeper);
}
