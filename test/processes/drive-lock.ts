import { fileURLToPath } from 'node:url';

import { run, type Running } from './observe.js';

const driver = fileURLToPath(new URL('lock-driver.mjs', import.meta.url));

/** A process that uses the public API; see lock-driver.mjs. */
export function driveLock(action: string, ...args: readonly string[]): Running {
  return run(process.execPath, [driver, action, ...args]);
}

export const driverPath = driver;
