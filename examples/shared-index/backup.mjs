// Backups of one index lie side by side in a folder: 0001-full, 0002-incremental, ... Each has a manifest with the SHA-256
// of every file of the index, and the bytes of those files that no earlier backup of the series has.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { withLock } from 'holdfast';
import { writeFileDurable, syncDirectory } from 'holdfast/durable';

import { copyHashed, renameDurably } from './files.mjs';
import { lockOf } from './locked-indexer.mjs';
import { manifestText, readManifest } from './manifest.mjs';
import { liveFiles, read } from './reading.mjs';

const BACKUP = /^(\d{4})-(full|incremental)$/;

/** The backups of a folder, the oldest first. */
export async function backupsIn(folder) {
  return (await readdir(folder)).filter((name) => BACKUP.test(name)).toSorted();
}

/**
 * Backs up `index` into a new folder of `folder`: only what is new since the last backup there, or all of it.
 *
 * @throws when a file of the index is not what its commit says: a backup of damage is useless.
 */
export async function backUp(index, folder, { isFull = false, lockOptions = {}, signal } = {}) {
  await mkdir(folder, { recursive: true });
  return withLock(lockOf(index, lockOptions), { signal, reason: 'backup' }, async (guard) => {
    const earlier = await backupsIn(folder);
    const base = isFull ? undefined : earlier.at(-1);
    const known = base === undefined ? [] : (await readManifest(join(folder, base))).files;
    const number = Number(earlier.at(-1)?.slice(0, 4) ?? 0) + 1;
    const name = `${String(number).padStart(4, '0')}-${base === undefined ? 'full' : 'incremental'}`;
    const partial = join(folder, `${name}.partial`);
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);

    const manifest = await read(index, ({ chain, store, parts }) =>
      copyNew({ chain, store, parts, name, partial, known, signal }),
    );
    await writeFileDurable(join(partial, 'manifest.json'), manifestText(manifest));
    await syncDirectory(partial);
    // Without the lock a writer may have cleared away what was being copied.
    guard.assertHeld();
    await renameDurably(partial, join(folder, name));
    const copied = manifest.files.filter((file) => file.in === name).length;
    return { name, files: manifest.files.length, copied, documents: manifest.documents };
  });
}

/** Bytes are kept under their SHA-256, so that two files with the same content are kept once. */
async function copyNew({ chain, store, parts, name, partial, known, signal }) {
  const places = new Map(known.map((file) => [file.sha256, file.in]));
  const records = chain.map(({ commit }) => ({ path: `commits/${commit}.json` }));
  const files = [];
  for (const { path, sha256: expected } of [...liveFiles(chain, parts), ...records]) {
    signal?.throwIfAborted();
    const from = join(store, path);
    const { sizeBytes, sha256 } = await copyHashed(from);
    if (expected !== undefined && sha256 !== expected) {
      throw new Error(`Could not back up "${from}": it is damaged. Restore an earlier backup.`);
    }
    if (!places.has(sha256)) {
      const copy = await copyHashed(from, join(partial, sha256));
      if (copy.sha256 !== sha256) throw new Error(`Could not back up "${from}": it changed meanwhile.`);
      places.set(sha256, name);
    }
    files.push({ path, sizeBytes, sha256, in: places.get(sha256) });
  }
  const { commit, engine, documents } = chain.at(-1);
  return { commit, engine, documents, files };
}
