import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import { LockError } from '../core/errors.js';
import { errnoOf } from '../core/system-error.js';

/** Below this a failure is put down to the full disk even when the program that failed did not say so. */
const NOTHING_LEFT_BYTES = 1024 ** 2;

/** Bytes that an ordinary user may still write below `directory`. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** @throws LockError HOLDFAST_IO when less than `neededBytes` is free below `directory`. */
export async function assertDiskSpace(recipe: string, directory: string, neededBytes: number): Promise<void> {
  const availableBytes = await freeBytes(directory);
  if (availableBytes < neededBytes) throw diskFull(recipe, directory, neededBytes, availableBytes);
}

/** Whether `failure` is due to a full disk: an error of a file call, or what a program said before it gave up. */
export async function isDiskFull(directory: string, failure: unknown): Promise<boolean> {
  for (let error = failure; error instanceof Error; error = error.cause) {
    if (['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) return true;
    if (/No space left on device|Disk quota exceeded/i.test(error.message)) return true;
  }
  return (await freeBytes(directory).catch(() => Infinity)) < NOTHING_LEFT_BYTES;
}

export function diskFull(
  recipe: string,
  directory: string,
  neededBytes: number,
  availableBytes: number,
  cause?: unknown,
): LockError {
  return new LockError(
    `Could not install "${recipe}": no space is left on the device (ENOSPC) of "${directory}"; ` +
      `at least ${neededBytes} bytes are needed there (${formatBytes(neededBytes)}), ${availableBytes} are free. ` +
      'Free some space, or choose another place with --dir.',
    {
      code: 'HOLDFAST_IO',
      resource: directory,
      cause: cause ?? Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }),
    },
  );
}

/** Bytes that a tree takes on disk. What vanishes meanwhile counts nothing. */
export async function treeBytes(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return 0;
  let total = (stats.blocks ?? 0) * 512;
  if (!stats.isDirectory()) return total;
  for (const name of await readdir(path).catch(() => [])) total += await treeBytes(join(path, name));
  return total;
}

export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`;
}
