import type { LeaseClock } from '../core/lease.js';
import { bootClock } from './clock.js';
import { loadNative } from './native.js';

// Apart from the clock itself, which loads no addon.
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
