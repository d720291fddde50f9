// Increments a counter under a lock: `node engine-counter.mjs ADDRESS COUNTER_FILE ROUNDS LEASE_MS`. One line of JSON per
// hold. The counter is read and written apart, so that two at once lose an increment.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

import { acquire } from '../../dist/index.js';

const [, , address, counter, rounds, leaseMs] = process.argv;
/** Comparable between the processes of this machine. With `performance.timeOrigin`, a wall clock, it would not be. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** A server that answers late, as on a busy machine, is asked again: what counts is who is in. */
async function enter() {
  for (;;) {
    try {
      return await acquire(address, { timeoutMs: Infinity, leaseDurationMs: Number(leaseMs) });
    } catch (error) {
      if (error.code !== 'HOLDFAST_BACKEND_UNAVAILABLE') throw error;
    }
  }
}

for (let round = 0; round < Number(rounds); round++) {
  const guard = await enter();
  const from = now();
  const value = Number(readFileSync(counter, 'utf8'));
  // Written as one line before the counter, so that a process killed in between is known to have added nothing.
  process.stdout.write(`${JSON.stringify({ type: 'in', from })}\n`);
  // Replaced as a whole: a kill between truncating and writing would be a loss that no lock prevents.
  writeFileSync(`${counter}.${process.pid}`, String(value + 1));
  renameSync(`${counter}.${process.pid}`, counter);
  const to = now();
  process.stdout.write(`${JSON.stringify({ type: 'hold', from, to, token: String(guard.fencingToken) })}\n`);
  await guard.release();
}
