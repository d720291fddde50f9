import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { syncDirectory } from '../files/sync-directory.js';

/** Enough to keep a disk busy; more only fills libuv's pool. */
const PARALLEL = 8;

/**
 * Brings a whole tree to disk: each file, then each directory that names it. Before the stamp: after a power
 * failure a stamp must not vouch for files that never left memory.
 */
export async function syncTree(root: string): Promise<void> {
  const files: string[] = [];
  const directories = [root];
  for (let i = 0; i < directories.length; i++) {
    const directory = directories[i] as string;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  await inParallel(files, syncFile);
  // The deepest first, so that no name is on disk before what it names.
  await inParallel(directories.toReversed(), syncDirectory);
}

async function syncFile(path: string): Promise<void> {
  // Read-only is enough for fsync(2), and the tree has files without write permission (git objects).
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES' || error.code === 'EISDIR' || error.code === 'EPERM') return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    await file.sync();
  } catch (error) {
    if (process.platform !== 'win32') throw error;
  } finally {
    await file.close();
  }
}

async function inParallel(paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await work(path);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
