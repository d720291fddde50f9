// One of many that race for expired leases: node lease-crowd.mjs PATH. `go NAME AT` tries once at AT (boot clock); NAME has expired.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { LeaseBackend, NAMED_DIRECTORY } from '../../dist/backends/lease/index.js';
import { Sightings } from '../../dist/backends/register/sightings.js';
import { newHolderId } from '../../dist/core/holder.js';
import { systemClock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';

const [, , path] = process.argv;
let expired;

/** One name has been seen for ever, all others just now. */
class Seen extends Sightings {
  since(_resource, name, at) {
    return Promise.resolve(name === expired ? -1e12 : at);
  }
}

const backend = new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock, new Seen(leaseClock));
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const [, round, name, at] = line.split(' ');
  expired = name;
  await delay(Math.max(0, Number(at) - leaseClock.now()));
  const request = {
    resource: path,
    mode: 'exclusive',
    holderId: newHolderId(),
    leaseDurationMs: 30_000,
    fencing: true,
    record: true,
    coversChild: false,
    isYielding: false,
  };
  const attempt = await backend.tryAcquire(request);
  const outcome =
    attempt.kind === 'granted' ? `granted ${attempt.grant.fencingToken} ${request.holderId}` : 'no';
  process.stdout.write(`${round} ${outcome}\n`);
}
