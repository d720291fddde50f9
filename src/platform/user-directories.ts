import { statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * The home directory of this user; undefined for one without. Not os.homedir(): that throws for a uid without a passwd
 * entry when HOME is not set, and believes an empty HOME.
 */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'];
  return named !== undefined && named !== '' ? named : recordedHome();
}

/** What the user database says; undefined for a uid without an entry. */
function recordedHome(): string | undefined {
  try {
    return userInfo().homedir || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where state of this user is kept (XDG base directory specification); undefined for a user without a home. State decides
 * when a lock counts as left behind, so a place of another user (HOME after `sudo -E`) is passed over: then it is kept in
 * the home that the user database names.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['XDG_STATE_HOME'];
  if (named?.startsWith('/') === true && isOfThisUser(named)) return join(named, 'holdfast');
  for (const home of [homeDirectory, recordedHome]) {
    const path = home(env);
    if (path !== undefined && isOfThisUser(path)) return join(path, '.local', 'state', 'holdfast');
  }
  return undefined;
}

/** True also for a directory that is still to be made. */
function isOfThisUser(path: string): boolean {
  try {
    const owner = statSync(path, { throwIfNoEntry: false })?.uid;
    const user = process.geteuid?.();
    return owner === undefined || user === undefined || owner === user || owner === 0;
  } catch {
    return false;
  }
}

/** Where settings of this user are kept; undefined for a user without a home. */
export function configDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  // A relative path in such a variable is to be ignored, says the specification.
  const named = env['XDG_CONFIG_HOME'];
  if (named?.startsWith('/') === true) return join(named, 'holdfast');
  const home = homeDirectory(env);
  return home === undefined ? undefined : join(home, '.config', 'holdfast');
}

/** Where the processes of this user announce what they hold and wait for, until the machine stops. */
export function announcementDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['XDG_RUNTIME_DIR'];
  if (named?.startsWith('/') === true && isDirectoryOfThisUser(named)) return join(named, 'holdfast');
  const user = process.geteuid?.();
  return user === undefined ? join(tmpdir(), 'holdfast') : `/tmp/holdfast-${user}`;
}

function isDirectoryOfThisUser(path: string): boolean {
  try {
    const status = statSync(path);
    return status.isDirectory() && status.uid === process.geteuid?.();
  } catch {
    return false;
  }
}
