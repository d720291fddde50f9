// node --expose-gc leaks.mjs ADDRESS MINUTES: acquires and releases all the time, in turn: a lock, a permit, a lock that
// another call of this process waits for, a wait that times out. Each second one line of JSON: what this process has.
import { readdirSync, readlinkSync } from 'node:fs';

import { acquire, isLockError } from '../../dist/index.js';

const [, , address, minutes] = process.argv;
const NAMES = 50;
const OPTIONS = { leaseDurationMs: 6_000, timeoutMs: 60_000 };
const until = performance.now() + Number(minutes) * 60_000;

function sockets() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

const before = sockets();
let count = 0;
const sample = setInterval(() => {
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ count, heapUsed, rss, sockets: sockets() - before })}\n`);
}, 1_000);

while (performance.now() < until) {
  const name = `${address}#leak ${count % NAMES}`;
  const held = await acquire(name, OPTIONS);
  const waiting = acquire(name, OPTIONS);
  const late = acquire(name, { ...OPTIONS, timeoutMs: 1 }).catch((error) => {
    if (!isLockError(error)) throw error;
  });
  await held.release();
  await (await waiting).release();
  await (await late)?.release();
  const permit = await acquire(name, { ...OPTIONS, permits: 3 });
  await permit.release();
  count++;
}
clearInterval(sample);
