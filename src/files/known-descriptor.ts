import { closeSync, openSync } from 'node:fs';

/**
 * Calls `use` with a descriptor that Node's file calls accept, of the file that the addon has opened as `descriptor`. Deno
 * accepts none that it has not opened itself: there the same file is opened once more for the moment, which does
 * not touch the lock, since flock(2) belongs to the first opening.
 */
export function withKnownDescriptor<T>(descriptor: number, use: (known: number) => T): T {
  if (!('deno' in process.versions)) return use(descriptor);
  const again = openSync(`/dev/fd/${descriptor}`, 'r');
  try {
    return use(again);
  } finally {
    closeSync(again);
  }
}
