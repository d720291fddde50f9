import { statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';

import { configDirectory } from '../platform/user-directories.js';

export const CONFIG_NAME = 'holdfast.config.json';

/**
 * The configuration file that counts: the nearest one upwards from `directory`, else the one in
 * XDG_CONFIG_HOME/holdfast. Files are not merged: the first one found is the whole configuration.
 *
 * Only files of this user or of root count, and none that everybody may write: in /tmp, or in a directory that others
 * share, another user's file would decide how long this user waits.
 *
 * @param directory undefined when the working directory was removed.
 */
export function findConfigFile(
  directory: string | undefined,
  env: NodeJS.ProcessEnv,
  user = process.geteuid?.(),
): string | undefined {
  for (let current = directory; current !== undefined;) {
    const path = join(current, CONFIG_NAME);
    if (isTrusted(path, user)) return path;
    const parent = dirname(current);
    current = parent === current ? undefined : parent;
  }
  const own = configDirectory(env);
  if (own === undefined) return undefined;
  const path = join(own, CONFIG_NAME);
  return isTrusted(path, user) ? path : undefined;
}

const WRITABLE_BY_ALL = 0o002;

/** Undefined also in a directory that this user may not search: HOME is another user's after `su` or `setpriv`. */
function attemptStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** @param user undefined on Windows, where nothing is known about owners. */
function isTrusted(path: string, user: number | undefined): boolean {
  const stat = attemptStat(path);
  if (stat === undefined) return false;
  if (user === undefined) return true;
  return (stat.uid === user || stat.uid === 0) && (stat.mode & WRITABLE_BY_ALL) === 0;
}
