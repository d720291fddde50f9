import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoOf } from '../core/system-error.js';

/** As `mkdir -p`. Node's own `recursive` says ENOENT where the system said EROFS. */
export async function makeDirectory(path: string): Promise<void> {
  const error = await attemptMkdir(path);
  if (error === undefined) return;
  if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
  await makeDirectory(dirname(path));
  const second = await attemptMkdir(path);
  if (second !== undefined) throw second;
}

async function attemptMkdir(path: string): Promise<Error | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'EEXIST' ? undefined : (error as Error);
  }
}
