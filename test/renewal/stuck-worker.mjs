// A process whose keeper's worker is stuck in a renewal, as in a call to a dead file server, and that then has nothing else to do.
import { systemClock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';
import { createKeeper } from '../../dist/renewal/index.js';

const code = `export const openRenewal = (state) => ({
  renew: () => { Atomics.store(state, 0, 1); Atomics.wait(state, 1, 0); },
});`;
const state = new Int32Array(new SharedArrayBuffer(8));
const durationMs = 3_000 * Number(process.env.HOLDFAST_TEST_UNIT ?? 1);
const deadline = leaseClock.now() + durationMs;
const renewal = { module: new URL(`data:text/javascript,${encodeURIComponent(code)}`), state };
const grant = await createKeeper(systemClock, leaseClock).startRenewal(
  {
    lease: { durationMs, deadline, renewal },
    check: () => undefined,
    onLost: () => undefined,
    release: () => undefined,
  },
  { resource: 'r', backend: 'b', holderId: 'h' },
);
// The first renewal is due after a third.
while (Atomics.load(state, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
const outcome = await grant.release().then(
  () => 'released',
  (error) => error.code,
);
process.stdout.write(`${outcome}\n`);
