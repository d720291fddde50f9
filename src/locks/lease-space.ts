import { LockSpace, type LeaseKeeper } from '../core/lock-space.js';
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
  arm: (grant, hold) =>
    keeper === undefined ? loaded().then((own) => own.arm(grant, hold)) : keeper.arm(grant, hold),
};

/** Leases on directories. Their code is loaded when the first is asked for: most processes only flock. */
export function leaseSpace(config: LeaseConfig): LockSpace {
  const backend = lazyBackend({
    name: 'lease',
    capabilities: LEASE_CAPABILITIES,
    hasQueue: false,
    load: async () => {
      const { LeaseBackend } = await import('../backends/lease/index.js');
      return new LeaseBackend(config, systemClock, leaseClock);
    },
  });
  return new LockSpace(backend, systemClock, leaseKeeper);
}
