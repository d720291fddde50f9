import { createS3Backend } from '../../../dist/backends/s3/index.js';
import { REGISTER_CAPABILITIES } from '../../../dist/backends/register/config.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { newName, otherSpelling, processKeeper, serverAddress } from './engine.mjs';

const open = (address = serverAddress('HOLDFAST_TEST_S3')) =>
  createS3Backend(address, systemClock, leaseClock);

export const subject = {
  name: 's3',
  capabilities: REGISTER_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientOf(open(), processKeeper())),
  createAliasClient: () => {
    const address = otherSpelling(serverAddress('HOLDFAST_TEST_S3'));
    return Promise.resolve(clientOf(open(address), processKeeper()));
  },
  newResource: newName,
  leaseDurationMs: 3_000,
  // Silence of 1.25 leases and a second, and a poll.
  takeoverMs: 3 * 1.25 * 1_000 + 1_000 + 1_500,
  induceLoss: async (resource, holderId) => {
    await open().forceRelease(resource, holderId);
  },
};
