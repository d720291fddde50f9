import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes `path` and, where that is missing too, its parent, mode 0700; one that is there already stays as it is. No
 * more than these two (`.holdfast/locks`): what lies above is the user's own, and a mistyped path must not come
 * into being. Not `mkdir` with `recursive` either: Node's never returns where the file system answers ENOENT
 * below a directory that exists, as /proc does.
 *
 * @throws the error of mkdir(2).
 */
export function makePrivateDirectories(path: string): void {
  if (attemptMake(path)) return;
  mkdirUnlessThere(dirname(path));
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
