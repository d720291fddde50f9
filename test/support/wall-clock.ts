import { existsSync } from 'node:fs';

const LIBRARY = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  .map((directory) => `${directory}/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/**
 * The environment of a program with another wall clock: `-1h` is off by an hour, `2026-01-01 00:00:00` stands still.
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME stay true.
 */
export function wallClock(faketime: string): NodeJS.ProcessEnv {
  if (LIBRARY === undefined) throw new Error('libfaketime is not installed; see scripts/apt-packages.txt');
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME: faketime,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
  };
}
