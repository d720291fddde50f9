import { open, type FileHandle } from 'node:fs/promises';

import { assertRegular, NAMED_READ } from './open-named.js';

/**
 * Opens a regular file that the user named; links are followed. Never waits for the other end of a FIFO.
 *
 * @param flags of open(2), with O_NONBLOCK.
 * @throws LockError HOLDFAST_UNSUPPORTED for a FIFO, a device or a socket; the error of the system call otherwise.
 */
export async function openNamed(path: string, flags = NAMED_READ, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags, mode);
  try {
    assertRegular(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The content of a regular file that the user named. */
export async function readNamed(path: string): Promise<Buffer> {
  const file = await openNamed(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
