import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Set-user-ID, set-group-ID, and write permission for everybody. */
const SPECIAL_BITS = 0o6002;

/**
 * Takes from everything below `root` the rights that an archive must not bring along: run by root, tar would keep the
 * set-user-ID bits of whoever packed it, and files that every user may write.
 */
export async function removeSpecialBits(root: string): Promise<void> {
  const directories = [root];
  for (let i = 0; i < directories.length; i++) {
    const directory = directories[i] as string;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      if (!entry.isDirectory() && !entry.isFile()) continue;
      const { mode } = await lstat(path);
      if ((mode & SPECIAL_BITS) !== 0) await chmod(path, mode & 0o7777 & ~SPECIAL_BITS);
    }
  }
}
