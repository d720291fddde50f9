import { closeSync, openSync, statSync } from 'node:fs';

import { errnoBehind } from '../core/system-error.js';

// By itself, because every `run` would take a millisecond to load node:fs/promises.

/** As in replaced.ts; importing it from there, or there from here, splits the bundle of `run` in two. */
const ATTEMPTS = 10;

/** `readReplaced` for a few short calls. */
export function readReplacedSync<T>(path: string, read: () => T): T {
  for (let attempts = 1; ; attempts++) {
    try {
      return read();
    } catch (error) {
      if (errnoBehind(error) !== 'ESTALE' || attempts === ATTEMPTS) throw error;
      try {
        statSync(path);
      } catch {
        // The next reading says it better.
      }
    }
  }
}

/** `refreshNames` for a thread that may wait. */
export function refreshNamesSync(directory: string): void {
  try {
    closeSync(openSync(directory, 'r'));
  } catch {
    // As above.
  }
}
