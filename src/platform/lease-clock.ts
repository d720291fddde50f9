import type { LeaseClock } from '../core/lease.js';
import { bootClock } from './clock.js';
import { loadNative } from './native.js';

// Not in clock.ts: a clock that imports the addon's loader makes the bundler split `run` into three files.
let found: LeaseClock | undefined;

/**
 * The clock of leases: CLOCK_BOOTTIME or its kin. Every thread of the process reads the same one: without the
 * addon Linux offers it as /proc/uptime, in steps of 10 ms.
 */
export const leaseClock: LeaseClock = {
  now: () => (found ??= openLeaseClock()).now(),
};

function openLeaseClock(): LeaseClock {
  try {
    return bootClock(loadNative());
  } catch {
    return bootClock();
  }
}
