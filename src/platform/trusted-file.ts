import { statSync, type Stats } from 'node:fs';

const WRITABLE_BY_ALL = 0o002;

/**
 * True for a file that may steer this process: it belongs to `user` or to root, and not every user may write it.
 *
 * @param user undefined on Windows, where nothing is known about owners.
 */
export function isTrustedFile(path: string, user: number | undefined = process.geteuid?.()): boolean {
  const stat = attemptStat(path);
  if (stat === undefined) return false;
  if (user === undefined) return true;
  return (stat.uid === user || stat.uid === 0) && (stat.mode & WRITABLE_BY_ALL) === 0;
}

/** Undefined also in a directory that this user may not search: HOME is another user's after `su` or `setpriv`. */
function attemptStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
