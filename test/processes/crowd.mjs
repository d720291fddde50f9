// node crowd.mjs PATH SEEDS: a thousand callers of one process on one lock, half of whom give up.
import { readdirSync, readlinkSync } from 'node:fs';

import { loadNative } from '../../dist/platform/native.js';
import { announcementDirectory } from '../../dist/platform/user-directories.js';
import { acquire } from '../../dist/index.js';
import { seeded } from './random.mjs';

const [path, seeds] = process.argv.slice(2);
const CALLERS = 1_000;
const CREATE = 2;
const native = loadNative();
const count = (directory) => readdirSync(`/proc/self/${directory}`).length;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Somebody of another program, as far as the queue knows. */
const takeBehindItsBack = () => native.tryLock(path, CREATE, 0o600, undefined);

async function round(seed) {
  const random = seeded(seed);
  const order = [];
  const aborted = new Set();
  const controllers = Array.from({ length: CALLERS }, () => new AbortController());
  const settled = new Set();
  let threads = 0;
  const abort = (index) => {
    if (index >= CALLERS || settled.has(index)) return;
    aborted.add(index);
    controllers[index].abort();
  };
  const inTheGrant = 100 + Math.floor(random() * 800);
  const other = takeBehindItsBack();
  const calls = controllers.map(async ({ signal }, index) => {
    try {
      const guard = await acquire(path, { timeoutMs: Infinity, signal });
      settled.add(index);
      order.push(index);
      if (random() < 0.3) abort(index + 1 + Math.floor(random() * 200));
      const released = guard.release();
      // The release has just brought the next one to the door: its grant and its abort meet.
      if (index >= inTheGrant && !aborted.has('placed')) {
        aborted.add('placed');
        let next = index + 1;
        while (aborted.has(next)) next++;
        abort(next);
      }
      threads = Math.max(threads, count('task'));
      await released;
    } catch (error) {
      settled.add(index);
      if (error.code !== 'HOLDFAST_CANCELED' || !aborted.has(index)) throw error;
    }
  });
  const half = Array.from({ length: CALLERS }, (_, index) => index).filter(() => random() < 0.4);
  for (const index of half) abort(index);
  await turn();
  native.unlock(other);
  await Promise.all(calls);
  const isInOrder = order.every((index, at) => at === 0 || order[at - 1] < index);
  const gaveUp = aborted.size - 1;
  const isComplete = order.length >= CALLERS - gaveUp && order.length <= CALLERS;
  return { isInOrder: isInOrder && isComplete, granted: order.length, gaveUp, threads };
}

/** Processor time: how long it takes on a clock depends on what else the machine does. */
async function microsecondsEach() {
  const start = process.cpuUsage();
  await Promise.all(Array.from({ length: CALLERS }, async () => (await acquire(path)).release()));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLERS;
}

/** A wait that is long enough opens the file in which this process announces its waits: once, and for good. */
async function openAnnouncements() {
  const other = takeBehindItsBack();
  const call = acquire(path);
  const links = () => readdirSync('/proc/self/fd').map(linkOf);
  const isOpen = () => links().some((link) => link.startsWith(announcementDirectory()));
  for (let n = 0; n < 1_000 && !isOpen(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  native.unlock(other);
  await (await call).release();
}

function linkOf(descriptor) {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

await openAnnouncements();
await round(0);
const before = { fd: count('fd'), task: count('task') };
const rounds = [];
for (let seed = 1; seed <= Number(seeds); seed++) rounds.push(await round(seed));
// The thread of a wait is detached: it may be on its last instructions when its result is here.
for (let n = 0; n < 200 && count('task') > before.task; n++) await turn();
const after = { fd: count('fd'), task: count('task') };
const figures = [];
for (let n = 0; n < 15; n++) figures.push(await microsecondsEach());
figures.sort((a, b) => a - b);
process.stdout.write(`${JSON.stringify({ rounds, before, after, microseconds: figures[7] })}\n`);
