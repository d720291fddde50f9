// Takes one lease again and again, and says when it certainly held: node lease-chaos.mjs PATH. Times are of the boot clock.
import { setTimeout as delay } from 'node:timers/promises';

import { LeaseBackend, NAMED_DIRECTORY } from '../../dist/backends/lease/index.js';
import { systemClock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';
import { createKeeper } from '../../dist/renewal/index.js';
import { clientOf } from '../../dist/testing/index.js';

const [, , path] = process.argv;
const client = clientOf(
  new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock),
  createKeeper(systemClock, leaseClock),
);
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

for (;;) {
  const guard = await client.acquire(path, { leaseDurationMs: 1_000, timeoutMs: Infinity });
  const until = leaseClock.now() + Math.random() * 1_500;
  // The clock is read before the proof: whatever stops this process in between, it held then.
  const prove = (at = leaseClock.now()) => {
    guard.assertHeld();
    say('held', guard.fencingToken, at);
  };
  try {
    do {
      prove();
      if (Math.random() < 0.02) for (const end = performance.now() + 1_200; performance.now() < end;);
      await delay(Math.random() * 20);
    } while (leaseClock.now() < until);
    prove();
  } catch (error) {
    say('lost', guard.fencingToken, error.lossReason);
  }
  await guard.release().catch(() => undefined);
}
