import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { ReplaceOptions } from './replace-sync.js';
import { syncDirectory } from './sync-directory.js';
import { newTempName } from './temp-name.js';

/**
 * `replaceFileSync` that leaves the event loop free. Files of users are replaced by `writeFileDurable`, which also keeps
 * their rights.
 *
 * @throws the error of the system call; nothing is left then, unless only the last sync failed.
 */
export async function replaceFile(
  path: string,
  data: string | Uint8Array,
  options: ReplaceOptions = {},
): Promise<void> {
  const { mode = 0o600, isDurable = true } = options;
  const temporary = join(dirname(path), options.temporaryName ?? newTempName(basename(path), false));
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      if (isDurable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  if (isDurable) await syncDirectory(dirname(path));
}
