import { LEASE_CAPABILITIES, LeaseBackend, NAMED_DIRECTORY } from '../../../dist/backends/lease/index.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { createKeeper } from '../../../dist/renewal/index.js';
import { clientOf } from '../../../dist/testing/index.js';
import { throughLinkedDirectory, throughMounts } from './aliases.mjs';
import { temporaryPaths } from './temporary.mjs';

const open = () => new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock);

export const subject = {
  name: 'lease',
  capabilities: LEASE_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientOf(open(), createKeeper(systemClock, leaseClock))),
  newResource: temporaryPaths(),
  aliasesOf: (resource) => Promise.resolve([throughLinkedDirectory(resource), ...throughMounts(resource)]),
  leaseDurationMs: 3_000,
  // Silence of 1.25 leases and a second, and a poll.
  takeoverMs: 3 * 1.25 * 1_000 + 1_000 + 1_500,
  induceLoss: async (resource, holderId) => {
    await open().forceRelease(resource, holderId);
  },
};
