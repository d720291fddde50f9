// node ticks-driver.mjs ADDRESS FIRST COUNT SKEW JOURNAL: a host whose clock is SKEW ticks ahead. It comes to each tick in turn,
// and writes those that it ran into its journal.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { oncePerTick } from '../../dist/index.js';

const [address, first, count, skew, journal, mutant] = process.argv.slice(2);
const end = Number(first) + Number(count);
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();
// A clock that is behind starts later.
await sleep(5 - Number(skew));
/** What a cron job with a state file and no lock does. */
async function unlocked(path, tick, _options, fn) {
  let last = -1;
  try {
    last = Number(readFileSync(`${path}.last`, 'utf8'));
  } catch {}
  if (last >= tick) return { hasRun: false };
  await sleep(5);
  fn();
  writeFileSync(`${path}.last`, String(tick));
  return { hasRun: true };
}

const run = mutant === undefined ? oncePerTick : unlocked;
let skipped = 0;
for (let tick = Number(first); tick < end; tick++) {
  const { hasRun } = await run(address, tick, { timeoutMs: Infinity }, () =>
    appendFileSync(journal, `${tick}\n`),
  );
  if (!hasRun) skipped++;
}
process.stdout.write(`skipped ${skipped}\n`);
