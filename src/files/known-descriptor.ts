import { closeSync, openSync } from 'node:fs';

/**
 * Calls `use` with a descriptor that Node's file calls accept, of the file `path` that the addon has opened as
 * `descriptor`. Deno accepts none that it has not opened itself, and on Windows the addon has handles only: there the file
 * is opened once more for the moment, which does not touch the lock, since that belongs to the first opening.
 */
export function withKnownDescriptor<T>(descriptor: number, path: string, use: (known: number) => T): T {
  const isWindows = process.platform === 'win32';
  if (!isWindows && !('deno' in process.versions)) return use(descriptor);
  const again = openSync(isWindows ? path : `/dev/fd/${descriptor}`, 'r');
  try {
    return use(again);
  } finally {
    closeSync(again);
  }
}
