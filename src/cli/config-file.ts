import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const CONFIG_NAME = 'holdfast.config.json';

/**
 * The configuration file that counts: the nearest one upwards from `directory`, else the one in
 * XDG_CONFIG_HOME/holdfast. Files are not merged: the first one found is the whole configuration.
 */
export function findConfigFile(directory: string, env: NodeJS.ProcessEnv): string | undefined {
  for (let current = directory; ; current = dirname(current)) {
    const path = join(current, CONFIG_NAME);
    if (existsSync(path)) return path;
    if (current === dirname(current)) break;
  }
  const base = env['XDG_CONFIG_HOME'];
  const path = join(
    base === undefined || base === '' ? join(homedir(), '.config') : base,
    'holdfast',
    CONFIG_NAME,
  );
  return existsSync(path) ? path : undefined;
}
