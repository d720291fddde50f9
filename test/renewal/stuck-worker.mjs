// A process whose keeper's worker is stuck in a renewal, as in a call to a dead file server, and that then has nothing else to do.
import { systemClock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';
import { createKeeper } from '../../dist/renewal/index.js';

const code = `export const openRenewal = () => ({
  renew: () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); },
});`;
const durationMs = 3_000;
const deadline = leaseClock.now() + durationMs;
const renewal = { module: new URL(`data:text/javascript,${encodeURIComponent(code)}`), state: null };
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
await new Promise((resolve) => setTimeout(resolve, durationMs / 2));
const outcome = await grant.release().then(
  () => 'released',
  (error) => error.code,
);
process.stdout.write(`${outcome}\n`);
