import { dirname, join } from 'node:path';

import { isTrustedFile } from '../platform/trusted-file.js';
import { configDirectory } from '../platform/user-directories.js';

export const CONFIG_NAME = 'holdfast.config.json';

/**
 * The configuration file that counts: the nearest one upwards from `directory`, else the one in
 * XDG_CONFIG_HOME/holdfast. Files are not merged: the first one found is the whole configuration.
 *
 * Only files of this user or of root count, and none that all may write: in /tmp, or in a directory that others
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
    if (isTrustedFile(path, user)) return path;
    const parent = dirname(current);
    current = parent === current ? undefined : parent;
  }
  const own = configDirectory(env);
  if (own === undefined) return undefined;
  const path = join(own, CONFIG_NAME);
  return isTrustedFile(path, user) ? path : undefined;
}
