// A process that takes one lease: node lease-party.mjs PATH JSON. Times are milliseconds of the machine's boot clock.
import { createInterface } from 'node:readline';

import { LeaseBackend, NAMED_DIRECTORY } from '../../dist/backends/lease/index.js';
import { systemClock } from '../../dist/host/clock.js';
import { leaseClock } from '../../dist/host/lease-clock.js';
import { createKeeper } from '../../dist/keeper/index.js';
import { clientOf } from '../../dist/testing/index.js';

const [, , path, json] = process.argv;
const {
  leaseMs = 3_000,
  timeoutMs = Infinity,
  blockMs = 0,
  maxStallMs,
  isBrief = false,
} = JSON.parse(json ?? '{}');

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);
const block = (ms) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

const keeper = createKeeper(systemClock, leaseClock, maxStallMs === undefined ? {} : { maxStallMs });
const client = clientOf(new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock), keeper);
say('ready');
const guard = await client.acquire(path, { leaseDurationMs: leaseMs, timeoutMs });
if (blockMs > 0) block(blockMs);
guard.lost.addEventListener('abort', () => say('lost', leaseClock.now(), guard.lost.reason.lossReason));
say('held', guard.fencingToken, leaseClock.now(), guard.holderId);
if (isBrief) say('leaving');
else {
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, argument] = line.split(' ');
    try {
      if (order === 'assert') guard.assertHeld();
      if (order === 'block') block(Number(argument));
      if (order === 'release') await guard.release();
      say('did', order, leaseClock.now());
    } catch (error) {
      say('failed', order, error.code, error.lossReason);
    }
  }
}
