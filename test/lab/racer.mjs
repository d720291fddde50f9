// Takes one lock again and again: node racer.mjs ADDRESS JSON. A line of JSON per hold, on the machine's boot clock.
import { acquire } from '../../dist/index.js';
import { leaseClock } from '../../dist/platform/lease-clock.js';

const [, , address, json = '{}'] = process.argv;
const { forMs = 2_000, holdMs = 5, leaseMs = 10_000, name = String(process.pid) } = JSON.parse(json);
const FIRST_TURN_MS = 20_000;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const until = leaseClock.now() + forMs;
let turns = 0;
// Everybody has a turn: on a busy machine the time may be over before the first grant.
const leftMs = () => (turns === 0 ? until + FIRST_TURN_MS : until) - leaseClock.now();
say({ kind: 'ready' });
while (leftMs() > 0) {
  try {
    const guard = await acquire(address, {
      timeoutMs: Math.max(1, leftMs()),
      leaseDurationMs: leaseMs,
    });
    turns++;
    const from = leaseClock.now();
    await pause(holdMs);
    let isHeld = true;
    try {
      guard.assertHeld();
    } catch {
      isHeld = false;
    }
    const to = leaseClock.now();
    await guard.release();
    const token = guard.fencingToken?.toString();
    say({ kind: 'hold', holder: name, mode: 'exclusive', from, to, isHeld, ...(token && { token }) });
  } catch (error) {
    if (error.isTimeout) break;
    turns++;
    say({ kind: 'failed', code: error.code, message: error.message });
    await pause(50);
  }
}
// The exit itself waits for calls that a dead server keeps.
say({ kind: 'done' });
process.exit(0);
