import { chmod, lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Set-user-ID, set-group-ID, and write permission for all. */
const SPECIAL_BITS = 0o6002;

/**
 * Takes from everything below `root` the rights that an archive must not bring along: run by root, tar would keep the
 * set-user-ID bits of the user that packed it, and files that every user may write.
 *
 * @returns the path below `root` of something that no source holds: a device, which root's tar makes, a FIFO, a socket.
 */
export async function removeSpecialBits(root: string): Promise<string | undefined> {
  let special: string | undefined;
  const directories = [root];
  for (let i = 0; i < directories.length; i++) {
    const directory = directories[i] as string;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      if (!entry.isDirectory() && !entry.isFile()) {
        if (!entry.isSymbolicLink()) special ??= relative(root, path);
        continue;
      }
      const { mode } = await lstat(path);
      if ((mode & SPECIAL_BITS) !== 0) await chmod(path, mode & 0o7777 & ~SPECIAL_BITS);
    }
  }
  return special;
}
