// Takes a permit again and again: `node permits.mjs ADDRESS PERMITS ROUNDS HOLD_MS LEASE_MS`. One line of JSON per hold;
// with ROUNDS 0 it takes one, says so, and keeps it until it is killed.
import { setTimeout as delay } from 'node:timers/promises';

import { acquire } from '../../dist/index.js';

const [, , address, permits, rounds, holdMs, leaseMs] = process.argv;
const options = { permits: Number(permits), timeoutMs: Infinity, leaseDurationMs: Number(leaseMs) };
/** Comparable between the processes of this machine. With `performance.timeOrigin`, a wall clock, it would not be. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

if (rounds === '0') {
  await acquire(address, options);
  process.stdout.write('held\n');
  await delay(600_000);
}
for (let round = 0; round < Number(rounds); round++) {
  const guard = await acquire(address, options);
  const from = now();
  await delay(Number(holdMs));
  const to = now();
  await guard.release();
  process.stdout.write(`${JSON.stringify({ from, to })}\n`);
}
process.exit();
