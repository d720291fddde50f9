// Puts a backup in the place of what the index holds now.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { withLock } from 'holdfast';
import { syncDirectory } from 'holdfast/durable';
import { fencedUpdate } from 'holdfast/fencing';

import { CommitLog, makeStore, storeName } from './commit-log.mjs';
import { copyHashed, renameDurably } from './files.mjs';
import { lockOf, openForWriting } from './locked-indexer.mjs';
import { bytesOf, verifyBackup } from './manifest.mjs';

/**
 * 1. Read the whole backup. A damaged one ends here, and nothing was touched.
 * 2. Under the lock, copy it into a sibling of the present store, and read back what was written.
 * 3. Rename the sibling: from its first moment under its own name the new store is whole.
 * 4. Move the head to it, with the fencing token: one rename, and the index is the other one.
 *
 * Interrupted before 4 the index is the old one, after it the new one. The old store stays until it is deleted by hand.
 */
export async function restore(backup, index, { lockOptions = {}, signal } = {}) {
  const manifest = await verifyBackup(backup);
  return withLock(lockOf(index, lockOptions), { signal, reason: 'restore' }, async (guard) => {
    const log = new CommitLog(index);
    const { store: old } = await openForWriting(log, guard, manifest.engine);
    const store = storeName(guard.fencingToken, 'r');
    const sibling = join(index, `${store}.restoring`);
    await makeStore(sibling);
    for (const file of manifest.files) {
      signal?.throwIfAborted();
      await copyBack(bytesOf(backup, file), join(sibling, file.path), file);
    }
    await syncDirectory(join(sibling, 'parts'));
    await renameDurably(sibling, join(index, store));
    await fencedUpdate(guard, log, { store, commit: manifest.commit });
    return { documents: manifest.documents, old };
  });
}

async function copyBack(from, to, { path, sha256 }) {
  await mkdir(dirname(to), { recursive: true });
  const copy = await copyHashed(from, to);
  if (copy.sha256 !== sha256) throw new Error(`"${from}" is not the ${path} that was verified a moment ago.`);
  await syncDirectory(dirname(to));
}
