import { lstat, open, stat, unlink, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { isSyncUnsupported } from './sync-directory.js';
import { isChmodUnsupported, newDataRights } from './rights.js';
import { StepError, type Destination, type Replacement, type Step, type TempWriter } from './replacement.js';
import { newTempName } from './temp-name.js';
import { syncFile } from './sync-file.js';

const PRIVATE_MODE = 0o600;
const MODE_BITS = 0o7777;

/**
 * The same order and the same checks as `native/durable_posix.c`, out of Node's own calls. It cannot lock the temp,
 * and the temp's name says so: only the death of this process frees it for a sweep.
 */
export const plainTempWriter: TempWriter = {
  async prepare(destination, data, mode): Promise<Replacement> {
    const tempPath = join(destination.directory, newTempName(destination.name, false));
    const directory = await openDirectory(destination.directory);
    try {
      const target = await lookAt(destination);
      const temp = await step('create', () => open(tempPath, 'wx+', PRIVATE_MODE));
      try {
        await fill(temp, data, { mode, target, directory: destination.directory });
      } catch (error) {
        await temp.close();
        await unlink(tempPath).catch(() => undefined);
        throw error;
      }
      await temp.close();
    } catch (error) {
      await directory?.close();
      throw error;
    }
    return {
      tempPath,
      finish: async () => {
        try {
          if (directory !== undefined) await syncDirectory(directory);
        } finally {
          await directory?.close();
        }
      },
      discard: async () => {
        await directory?.close();
        await unlink(tempPath).catch(() => undefined);
      },
    };
  },
};

/** Opened first: a user that may not read the directory cannot sync it, which must fail before anything changes. */
async function openDirectory(path: string): Promise<FileHandle | undefined> {
  // Windows has no sync of a directory; NTFS journals the rename.
  if (process.platform === 'win32') return undefined;
  return step('open-directory', () => open(path, 'r'));
}

async function syncDirectory(directory: FileHandle): Promise<void> {
  try {
    await syncFile(directory);
  } catch (error) {
    const errno = errnoOf(error) ?? 'EIO';
    if (!isSyncUnsupported(errno)) throw new StepError('sync-directory', errno, error);
  }
}

async function lookAt(destination: Destination): Promise<Stats | undefined> {
  let target: Stats;
  try {
    target = await lstat(destination.path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new StepError('create', errnoOf(error) ?? 'EIO', error);
  }
  if (target.isSymbolicLink()) throw new StepError('create', 'ELOOP');
  if (target.isDirectory()) throw new StepError('create', 'EISDIR');
  // The rename would put a file where a device or a FIFO was.
  if (!target.isFile()) throw new StepError('create', 'EINVAL');
  return target;
}

/** What the new file's rights come from. */
interface Wanted {
  readonly mode: number | undefined;
  /** The file that is replaced. */
  readonly target: Stats | undefined;
  readonly directory: string;
}

async function fill(temp: FileHandle, data: Uint8Array, wanted: Wanted): Promise<void> {
  await step('write', async () => {
    for (let offset = 0; offset < data.length;) {
      offset += (await temp.write(data, offset, data.length - offset, offset)).bytesWritten;
    }
  });
  const status = await step('write', () => temp.stat());
  // A full or failing disk must never get as far as the rename.
  if (status.size !== data.length) throw new StepError('write', 'EIO');
  await giveWanted(temp, wanted, status);
  await step('sync', () => syncFile(temp));
}

/** The owner first, because chown clears bits of the mode. */
async function giveWanted(
  temp: FileHandle,
  { mode, target, directory }: Wanted,
  status: Stats,
): Promise<void> {
  let wanted = PRIVATE_MODE;
  if (target === undefined && mode === undefined) {
    wanted = await newMode(temp, status, directory);
  } else if (target !== undefined) {
    wanted = target.mode & MODE_BITS;
    // Where the group cannot be kept, its rights would go to another group: it gets those of all others.
    if (target.gid !== status.gid && !(await attemptChown(temp, status.uid, target.gid))) {
      wanted = (wanted & ~0o2070) | ((wanted & 0o7) << 3);
    }
    if (target.uid !== status.uid && !(await attemptChown(temp, target.uid, (await temp.stat()).gid)))
      wanted &= ~0o4000;
  }
  if (mode !== undefined) wanted = mode & MODE_BITS;
  if (((await temp.stat()).mode & MODE_BITS) === wanted) return;
  try {
    await temp.chmod(wanted);
  } catch (error) {
    const isDefault = target === undefined && mode === undefined;
    if (isDefault && isChmodUnsupported(errnoOf(error))) return;
    throw new StepError('write', errnoOf(error) ?? 'EIO', error);
  }
}

/** In a place that its group writes, as a shared project directory is, a new file belongs to that group. */
async function newMode(temp: FileHandle, status: Stats, directory: string): Promise<number> {
  const place = await step('write', () => stat(directory));
  const { mode, gid } = newDataRights(place);
  if (gid === undefined || gid === status.gid) return mode;
  return (await attemptChown(temp, status.uid, gid)) ? mode : PRIVATE_MODE;
}

async function attemptChown(temp: FileHandle, uid: number, gid: number): Promise<boolean> {
  try {
    await temp.chown(uid, gid);
    return true;
  } catch {
    return false;
  }
}

async function step<T>(name: Step, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new StepError(name, errnoOf(error) ?? 'EIO', error);
  }
}
