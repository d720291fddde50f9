import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes `path` and its missing parents, mode 0700; one that is there already stays as it is. Not `mkdir` with
 * `recursive`: Node's never returns where the file system answers ENOENT below a directory that exists, as /proc does.
 *
 * @throws the error of mkdir(2).
 */
export function makePrivateDirectories(path: string): void {
  if (attemptMake(path)) return;
  const parent = dirname(path);
  if (parent !== path) makePrivateDirectories(parent);
  // A second ENOENT is not about a missing parent.
  mkdirUnlessThere(path);
}

function attemptMake(path: string): boolean {
  try {
    mkdirUnlessThere(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function mkdirUnlessThere(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
