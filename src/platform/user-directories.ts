import { userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * The home directory of this user; undefined for one without. Not os.homedir(): that throws for a uid without a passwd
 * entry when HOME is not set, and believes an empty HOME.
 */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'];
  if (named !== undefined && named !== '') return named;
  try {
    return userInfo().homedir || undefined;
  } catch {
    return undefined;
  }
}

/** Where state of this user is kept (XDG base directory specification); undefined for a user without a home. */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return baseDirectory(env, 'XDG_STATE_HOME', '.local', 'state');
}

/** Where settings of this user are kept; undefined as above. */
export function configDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return baseDirectory(env, 'XDG_CONFIG_HOME', '.config');
}

/** A relative path in such a variable is to be ignored, says the specification. */
function baseDirectory(env: NodeJS.ProcessEnv, variable: string, ...below: string[]): string | undefined {
  const base = env[variable];
  if (base?.startsWith('/') === true) return join(base, 'holdfast');
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, ...below, 'holdfast');
}
