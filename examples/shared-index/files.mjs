// Files and folders that outlive a power failure, and the SHA-256 of what is in them.
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { renameWithRetry, syncDirectory } from 'holdfast/durable';

/** Copies `from` to `to` on disk, or only reads it when there is no `to`; what was read decides the hash. */
export async function copyHashed(from, to) {
  const hash = createHash('sha256');
  const source = await open(from);
  const target = to === undefined ? undefined : await open(to, 'wx');
  let sizeBytes = 0;
  try {
    // A loop of our own: the descriptor is still needed for the sync, and streams close it.
    for await (const chunk of source.createReadStream({ autoClose: false })) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await target?.appendFile(chunk);
    }
    await target?.sync();
  } finally {
    await source.close();
    await target?.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

export function hashFile(path) {
  return copyHashed(path);
}

/** Renames within one file system, and waits until the new name is on disk. */
export async function renameDurably(from, to) {
  await renameWithRetry(from, to);
  await syncDirectory(dirname(to));
}

/** Removes what a writer left. That writer may be alive, have lost the lock, and be putting one more file there. */
export async function removeLitter(path) {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    // The next holder will find it.
    if (error.code !== 'ENOTEMPTY') throw error;
  }
}
