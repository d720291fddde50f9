// A process that takes one lease: node lease-party.mjs PATH JSON. Times are milliseconds of the machine's boot clock.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { LeaseBackend, NAMED_DIRECTORY } from '../../dist/backends/lease/index.js';
import { Sightings } from '../../dist/backends/register/sightings.js';
import { JsonFile, writeFileDurable } from '../../dist/durable/index.js';
import { fencedUpdate, httpResource } from '../../dist/fencing/index.js';
import { systemClock } from '../../dist/platform/clock.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';
import { createKeeper } from '../../dist/renewal/index.js';
import { clientOf } from '../../dist/testing/index.js';

const [, , path, json] = process.argv;
const {
  leaseMs = 3_000,
  timeoutMs = Infinity,
  blockMs = 0,
  maxStallMs,
  isBrief = false,
  judgesByWallClock = false,
} = JSON.parse(json ?? '{}');

const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);
// Without using the processor: others of the suite run beside it.
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** The bug of many: a state is as old as its file's time says, by this host's wall clock. */
class WallClock extends Sightings {
  since(resource, name, at) {
    const stat = statSync(join(resource, name), { throwIfNoEntry: false });
    return Promise.resolve(stat === undefined ? at : at - (Date.now() - stat.ctimeMs));
  }
}

const tokenOf = (content) => BigInt(/"token":"(\d+)"/.exec(content)[1]);
const orders = {
  assert: () => guard.assertHeld(),
  block: (milliseconds) => block(Number(milliseconds)),
  release: () => guard.release(),
  write: (file) => write(file, guard),
  // As if the hold had been lost between the check and its effect: the token alone.
  'write-late': (file) => write(file, undefined),
  'update-json': (file) =>
    new JsonFile(file).update((value) => ({ ...value, by: guard.holderId }), {
      fencingToken: guard.fencingToken,
    }),
  send: (url) => fencedUpdate(guard, httpResource(url), { body: guard.holderId }),
  'send-late': (url) => {
    const { address, fencingToken } = guard;
    return fencedUpdate({ address, fencingToken, assertHeld: () => undefined }, httpResource(url), {
      body: guard.holderId,
    });
  },
};

function write(file, checked) {
  const token = guard.fencingToken;
  const text = JSON.stringify({ by: guard.holderId, token: String(token) });
  return writeFileDurable(file, text, {
    ...(checked && { guard: checked }),
    fencing: { token, tokenOf },
  });
}

const keeper = createKeeper(systemClock, leaseClock, maxStallMs === undefined ? {} : { maxStallMs });
const sightings = judgesByWallClock ? new WallClock(leaseClock) : undefined;
const client = clientOf(new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock, sightings), keeper);
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
      await orders[order](argument);
      say('did', order, leaseClock.now());
    } catch (error) {
      say('failed', order, error.code, error.lossReason);
    }
  }
}
