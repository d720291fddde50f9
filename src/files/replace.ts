import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { openParent } from './make-own.js';
import type { ReplaceOptions } from './replace-sync.js';
import { giveRights } from './rights.js';
import { syncDirectory } from './sync-directory.js';
import { newTempName } from './temp-name.js';
import { syncFile } from './sync-file.js';

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
  const { mode = 0o600, isDurable = true, rights } = options;
  const directory = openParent(path, options, options.depth ?? 1);
  const temporary = directory.at(options.temporaryName ?? newTempName(basename(path), false));
  try {
    const file = await open(temporary, 'wx', rights === undefined ? mode : 0o600);
    try {
      if (rights !== undefined) giveRights(file.fd, rights);
      await file.writeFile(data);
      if (isDurable) await syncFile(file);
    } finally {
      await file.close();
    }
    await rename(temporary, directory.at(basename(path)));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    directory.close();
  }
  if (isDurable) await syncDirectory(dirname(path));
}
