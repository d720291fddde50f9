import { fsync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** fsync(2). Not the method of `file`, which Yarn's Plug'n'Play puts another in the place of, without this one. */
export function syncFile({ fd }: FileHandle): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}
