// node lock-all-driver.mjs FOLDER SECONDS SEED: random subsets of six locks in random orders, some calls given up.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hostNow } from '../../dist/platform/clock.js';
import { lockAll } from '../../dist/index.js';
import { seeded } from './random.mjs';

const [folder, seconds, seed] = process.argv.slice(2);
const random = seeded(Number(seed));
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const endsAt = performance.now() + Number(seconds) * 1_000;
const intervals = [];
const tally = { taken: 0, gaveUp: 0 };

function pick() {
  const items = NAMES.map((name) => [random(), name])
    .toSorted(([a], [b]) => a - b)
    .slice(0, 2 + Math.floor(random() * 4));
  return items.map(([, name]) => ({
    // The same lock under another name now and then.
    address: join(folder, random() < 0.2 ? `.//${name}.lock` : `${name}.lock`),
    mode: random() < 0.3 ? 'shared' : 'exclusive',
  }));
}

/** Lock files that this process has open. */
function openLocks() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

/** What the kernel tells everybody that this process holds. A waiter's line has an arrow. */
function heldForAllToSee() {
  return readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .filter((line) => line.includes(` ${process.pid} `) && !line.includes('->'));
}

while (performance.now() < endsAt) {
  const items = pick();
  const stop = new AbortController();
  const mustGiveUp = random() < 0.3;
  if (mustGiveUp) void sleep(random() * 10).then(() => stop.abort());
  try {
    const timeoutMs = mustGiveUp && random() < 0.5 ? random() * 8 : 20_000;
    const set = await lockAll(items, { timeoutMs, signal: stop.signal });
    const from = hostNow();
    if (random() < 0.5) await sleep(random() * 3);
    set.assertHeld();
    const to = hostNow();
    for (const { address, mode } of items) {
      intervals.push({ resource: address.replace('.//', ''), holder: String(process.pid), mode, from, to });
    }
    await set.release();
    tally.taken++;
  } catch (error) {
    if (!mustGiveUp || !['HOLDFAST_CANCELED', 'HOLDFAST_TIMEOUT'].includes(error.code)) throw error;
    tally.gaveUp++;
    const partial = heldForAllToSee();
    if (partial.length > 0) throw new Error(`held after giving up: ${partial.join('; ')}`, { cause: error });
    if (openLocks().length > 0) throw new Error('left open after giving up', { cause: error });
  }
}
process.stdout.write(`${JSON.stringify({ tally, intervals })}\n`);
