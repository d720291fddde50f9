import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { kernelFileKey } from '../host/file-key.js';
import { heldLocks } from '../host/lock-table.js';
import { readMounts } from '../host/mounts.js';
import { lockFilesIn } from './clean.js';
import { LOCK_DIRECTORY } from './data-file.js';

/**
 * Paths of the locks in `directory`: our lock files there and in its `.holdfast/locks`, held or not, and whatever
 * else there is locked right now, the directory itself included. Sorted; absolute.
 *
 * @throws LockError when the directory cannot be read.
 */
export async function listLocks(directory: string): Promise<readonly string[]> {
  const here = resolve(directory);
  const found = new Set(lockFilesIn(here));
  const held = new Set((await heldLocks()).map(({ key }) => key));
  if (held.size > 0) {
    const mounts = readMounts();
    for (const path of [here, ...entriesOf(here), ...entriesOf(join(here, LOCK_DIRECTORY))]) {
      const key = tryKey(path, mounts);
      if (key !== undefined && held.has(key)) found.add(path);
    }
  }
  return [...found].sort();
}

function entriesOf(directory: string): string[] {
  try {
    // A link's target is another place's lock; it is shown there.
    const entries = readdirSync(directory, { withFileTypes: true }).filter(
      (entry) => !entry.isSymbolicLink(),
    );
    return entries.map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}

function tryKey(path: string, mounts: ReturnType<typeof readMounts>): string | undefined {
  try {
    return kernelFileKey(path, mounts);
  } catch {
    return undefined;
  }
}
