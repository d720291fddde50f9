import { createClient as createRedisClient } from 'redis';

import { createRedisBackend, REDIS_CAPABILITIES } from '../../../dist/backends/redis/index.js';
import { keysOf } from '../../../dist/backends/redis/keys.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { newName, otherSpelling, processKeeper, serverAddress } from './engine.mjs';

const clientAt = (address) => clientOf(createRedisBackend(address, systemClock, leaseClock), processKeeper());

export const subject = {
  name: 'redis',
  capabilities: REDIS_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientAt(serverAddress('HOLDFAST_TEST_REDIS'))),
  createAliasClient: () => Promise.resolve(clientAt(otherSpelling(serverAddress('HOLDFAST_TEST_REDIS')))),
  newResource: newName,
  takeoverMs: 4_500,
  // An expiry, an eviction, a flush, a failover: the key is gone.
  induceLoss: async (resource) => {
    const client = createRedisClient({ url: serverAddress('HOLDFAST_TEST_REDIS') });
    await client.connect();
    await client.del(keysOf(resource).lock);
    client.destroy();
  },
};
