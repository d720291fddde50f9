import { open, stat } from 'node:fs/promises';

import { errnoBehind } from '../core/system-error.js';

/** Two clients of which one did nothing but replace a file and the other nothing but read it needed four at most. */
const ATTEMPTS = 10;

/**
 * Reads what others replace by rename. A client of NFS may still believe that the name is of the file before: the server
 * answers ESTALE. The kernel looks the name up anew only where the open itself fails so, and once; often the open
 * succeeds, from the cache, and fstat or read fails. Opening again is no cure then (NFS 4.2, Linux 6.1: the same dead
 * handle in 50 of 50 attempts): stat(2) of the name is, because it makes the kernel ask the server for it.
 *
 * @param read opens `path` anew each time.
 * @throws what `read` throws; ESTALE when the whole directory is gone.
 */
export async function readReplaced<T>(path: string, read: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await read();
    } catch (error) {
      if (errnoBehind(error) !== 'ESTALE' || attempts === ATTEMPTS) throw error;
      await stat(path).catch(() => undefined);
    }
  }
}

/**
 * Makes the client of a network file system compare what it knows of the names in `directory` with the server, as opening
 * it does (close-to-open, nfs(5)). Otherwise it may go on for acdirmin (30 s) believing that a file is missing, or is
 * the one before where a hard link keeps that alive: the next holder would start from there and undo the last write.
 */
export async function refreshNames(directory: string): Promise<void> {
  // Whatever is wrong, the reading that follows says it better.
  await open(directory, 'r').then(
    (opened) => opened.close(),
    () => undefined,
  );
}
