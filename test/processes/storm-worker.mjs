// node storm-worker.mjs LOCK JOURNAL SEED: takes the lock again and again until it is killed.
// The journal is written by one write per line, which outlives the process: `+` after a grant, `-` before the release.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { hostNow } from '../../dist/platform/clock.js';
import { acquire } from '../../dist/index.js';
import { seeded } from './random.mjs';

const [lock, journal, seed] = process.argv.slice(2);
const random = seeded(Number(seed));
const file = openSync(journal, 'a');
const note = (line) => writeSync(file, `${line}\n`);

for (;;) {
  const mode = random() < 0.6 ? 'exclusive' : 'shared';
  const stop = new AbortController();
  const mayGiveUp = random() < 0.35;
  const timer = mayGiveUp ? setTimeout(() => stop.abort(), random() * 6) : undefined;
  const timeoutMs = random() < 0.1 ? random() * 10 : Infinity;
  try {
    const guard = await acquire(lock, { mode, timeoutMs, signal: stop.signal });
    note(`+ ${mode} ${hostNow()}`);
    if (random() < 0.5) await sleep(random() * 4);
    // The name of the file never changes here.
    guard.assertHeld();
    note(`- ${hostNow()}`);
    await guard.release();
  } catch (error) {
    if (!['HOLDFAST_CANCELED', 'HOLDFAST_TIMEOUT'].includes(error.code)) {
      note(`! ${error.message}`);
      throw error;
    }
    note(error.code === 'HOLDFAST_CANCELED' ? 'c' : 't');
  } finally {
    clearTimeout(timer);
  }
}
