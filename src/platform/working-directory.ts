import { closeSync, openSync } from 'node:fs';

/** The directory that relative paths start from; undefined when it was removed meanwhile, and absolute paths still work. */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * Goes where a working directory is needed and nothing can be made by a relative path, if there is none any more. The
 * result leads back, the first time it is called. Undefined where nothing was done, also where it cannot be.
 */
export function leaveRemovedDirectory(): (() => void) | undefined {
  if (process.platform !== 'linux' || workingDirectory() !== undefined) return undefined;
  let removed: number | undefined;
  try {
    removed = openSync('.', 'r');
    process.chdir('/proc/self');
  } catch {
    if (removed !== undefined) closeSync(removed);
    return undefined;
  }
  let descriptor: number | undefined = removed;
  return () => {
    if (descriptor === undefined) return;
    process.chdir(`/proc/self/fd/${descriptor}`);
    closeSync(descriptor);
    descriptor = undefined;
  };
}
