import { RegisterBackend } from '../../../dist/backends/register/backend.js';
import { REGISTER_CAPABILITIES } from '../../../dist/backends/register/config.js';
import { baseOf, renewalOf } from '../../../dist/backends/register/own-hold.js';
import { Sightings } from '../../../dist/backends/register/sightings.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { GenerationRegister } from '../../support/generation-register.mjs';
import { newName, processKeeper, serverAddress } from './engine.mjs';

const open = () => {
  const url = serverAddress('HOLDFAST_TEST_GENERATIONS');
  const register = new GenerationRegister(url);
  return new RegisterBackend({
    name: 'generations',
    register,
    display: 'generations',
    server: 'the store',
    place: url,
    clock: systemClock,
    leaseClock,
    sightings: new Sightings(leaseClock),
    prove: () => Promise.resolve(),
    renewal: (state) => renewalOf({ register, name: state.name, clock: systemClock }, baseOf(state)),
    explain: (error) => error,
  });
};

export const subject = {
  name: 'register with integers for versions',
  capabilities: REGISTER_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientOf(open(), processKeeper())),
  newResource: newName,
  leaseDurationMs: 3_000,
  // Silence of 1.25 leases and a second, and a poll.
  takeoverMs: 3 * 1.25 * 1_000 + 1_000 + 1_500,
  induceLoss: async (resource, holderId) => {
    await open().forceRelease(resource, holderId);
  },
};
