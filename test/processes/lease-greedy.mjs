// Takes a lease again as soon as it has released it: node lease-greedy.mjs PATH HOLD_MS FOR_MS. Prints its holds and its longest wait.
import { setTimeout as delay } from 'node:timers/promises';

import { withLock } from '../../dist/index.js';

const [, , path, holdMs, forMs] = process.argv;
process.stdout.write('ready\n');
const end = performance.now() + Number(forMs);
let holds = 0;
let longestMs = 0;
let since = performance.now();
while (performance.now() < end) {
  const isOver = AbortSignal.timeout(Math.ceil(end - performance.now()));
  try {
    await withLock(`lease:${path}`, { leaseDurationMs: 3_000, signal: isOver }, async () => {
      longestMs = Math.max(longestMs, performance.now() - since);
      holds++;
      await delay(Number(holdMs));
    });
    since = performance.now();
  } catch (error) {
    if (!error.isCanceled) throw error;
  }
}
longestMs = Math.max(longestMs, performance.now() - since);
process.stdout.write(`${holds} holds, longest wait ${Math.round(longestMs)} ms\n`);
