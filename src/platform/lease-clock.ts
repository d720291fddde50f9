import type { LeaseClock } from '../core/lease.js';
import { bootClock } from './clock.js';
import { loadNative } from './native.js';

let found: LeaseClock | undefined;

/**
 * The clock of leases: CLOCK_BOOTTIME or its kin. Every thread of the process reads the same one: without the
 * addon Linux offers it as /proc/uptime, in steps of 10 ms.
 */
export const leaseClock: LeaseClock = {
  now: () => (found ??= open()).now(),
};

function open(): LeaseClock {
  try {
    return bootClock(loadNative());
  } catch {
    return bootClock();
  }
}
