import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { stateDirectory } from '../../platform/user-directories.js';
import { makeDirectory } from '../../files/make-directory.js';
import { storeConfigText, type GitConfigEntry } from './git-config.js';
import { endOrphans } from './orphans.js';
import { tryUnlink } from './files.js';
import type { Repository } from './repository.js';

/** Where one clone keeps what claims need. */
export interface StorePaths {
  /** A bare repository of our own; nothing in it is worth keeping but `holdfast/`. */
  readonly store: string;
  /** Locked (flock) by whoever works in the store. */
  readonly lock: string;
  readonly journal: string;
  readonly journalLog: string;
  readonly sightings: string;
  /** There while somebody works in the store; left behind by those who were killed. */
  readonly busy: string;
  /** Where fetched branches go, one folder per URL. */
  readonly refPrefix: string;
}

/** @throws LockError HOLDFAST_CONFIG_MISMATCH for a user without a home directory. */
function ownState(env: NodeJS.ProcessEnv): string {
  const own = stateDirectory(env);
  if (own !== undefined) return own;
  throw new LockError(
    'Could not find a place for the store of claims: this user has no home directory. Set HOME or XDG_STATE_HOME, or run it inside a clone.',
    { code: 'HOLDFAST_CONFIG_MISMATCH' },
  );
}

/** `<git-common-dir>/holdfast/claims.git`; outside of any clone a folder of the user's own. */
export function storePaths(
  repository: Repository | undefined,
  url: string,
  env: NodeJS.ProcessEnv,
): StorePaths {
  const home = repository === undefined ? ownState(env) : join(repository.commonDir, 'holdfast');
  const store = join(home, 'claims.git');
  const key = createHash('sha256').update(url).digest('hex').slice(0, 16);
  const own = join(store, 'holdfast');
  return {
    store,
    lock: join(home, 'claims.lock'),
    journal: join(own, 'journal.json'),
    journalLog: join(own, 'journal.log'),
    sightings: join(own, `seen-${key}.json`),
    busy: join(own, 'busy'),
    refPrefix: `refs/holdfast/${key}/`,
  };
}

/**
 * Makes the store usable: creates what is missing (by hand: `git init` would run the user's templates and cost a
 * process), passes the clone's settings on, and cleans up after whoever was killed in here. Under the local lock.
 */
export async function prepareStore(paths: StorePaths, entries: readonly GitConfigEntry[]): Promise<void> {
  const { store, busy } = paths;
  try {
    if (existsSync(busy)) await endOrphans(store);
    for (const directory of ['objects/info', 'objects/pack', 'refs/heads', 'holdfast']) {
      makeDirectory(join(store, directory), { mode: 0o700 });
    }
    writeIfOther(join(store, 'HEAD'), 'ref: refs/heads/none\n');
    // 0600: it may hold the clone's http.extraHeader.
    writeIfOther(join(store, 'config'), storeConfigText(entries));
    writeFileSync(busy, '', { mode: 0o600 });
  } catch (error) {
    throw systemError('prepare', store, errnoOf(error) ?? 'EIO', error);
  }
}

/** The opposite of {@link prepareStore}, when work ended in good order. */
export function leaveStore(paths: StorePaths): void {
  tryUnlink(paths.busy);
}

/** Empties the store of everything that can be fetched again. */
export function resetStore(paths: StorePaths): void {
  for (const name of ['objects', 'refs', 'packed-refs', 'shallow', 'FETCH_HEAD']) {
    rmSync(join(paths.store, name), { recursive: true, force: true });
  }
  for (const name of ['objects/info', 'objects/pack', 'refs/heads'])
    makeDirectory(join(paths.store, name), { mode: 0o700 });
}

function writeIfOther(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  writeFileSync(path, text, { mode: 0o600 });
}
