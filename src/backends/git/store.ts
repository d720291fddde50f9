import { createHash } from 'node:crypto';
import { closeSync, constants, readdirSync, rmSync, writeSync, type Dirent } from 'node:fs';
import { dirname, join } from 'node:path';

import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { stateDirectory } from '../../platform/user-directories.js';
import { makeDirectory } from '../../files/make-directory.js';
import { makeOwnDirectories } from '../../files/make-own.js';
import { openOwn, openOwnIfThere, readOwn } from '../../files/open-own.js';
import { endStarted, startedLine } from '../../process/git/started.js';
import type { Deadline } from './config.js';
import { readState, replaceText, STATE_DEPTH, STORE_DEPTH, tryUnlink } from './files.js';
import type { ObjectFormat } from './objects.js';
import { newPlace, placeAt } from './place.js';
import type { Repository } from './repository.js';

/** Runs `fn` while no other process of this clone works in the store. */
export type Exclusively = <T>(lockPath: string, deadline: Deadline, fn: () => Promise<T>) => Promise<T>;

/** Where one clone keeps what claims need. */
export interface StorePaths {
  /** The clone's common directory, or the user's own place for state. */
  readonly home: string;
  readonly directory: string;
  /** A bare repository of our own; nothing in it is worth keeping but `holdfast/`. */
  readonly store: string;
  readonly format: ObjectFormat;
  /** Locked (flock) by the command that works in the store. */
  readonly lock: string;
  readonly journal: string;
  readonly journalLog: string;
  readonly firstSeen: string;
  /** URL pairs of which it is proven that what is pushed to the one can be fetched from the other. */
  readonly proven: string;
  /** What many tips say, by object id; it goes with the objects. */
  readonly tips: string;
  /** There while a command works in the store, with the processes that it started; a killed command leaves it behind. */
  readonly busy: string;
  readonly place: string;
  /** Of the arbiter's URL without credentials. */
  readonly key: string;
  /** Where fetched branches go, one folder per URL. */
  readonly refPrefix: string;
}

/** @throws LockError HOLDFAST_CONFIG_MISMATCH for a user without a home directory. */
function ownState(env: NodeJS.ProcessEnv): string {
  const own = stateDirectory(env);
  if (own !== undefined) return dirname(own);
  throw new LockError(
    'Could not find a place for the store of claims: this user has no home directory. Set HOME or XDG_STATE_HOME, or run it inside a clone.',
    { code: 'HOLDFAST_CONFIG_MISMATCH' },
  );
}

/** `<git-common-dir>/holdfast/claims.git`; outside of any clone a folder of the user's own. */
export function storePaths(
  repository: Repository | undefined,
  url: string,
  format: ObjectFormat,
  env: NodeJS.ProcessEnv,
): StorePaths {
  const home = repository?.commonDir ?? ownState(env);
  const directory = join(home, 'holdfast');
  const store = join(directory, format === 'sha1' ? 'claims.git' : `claims.${format}.git`);
  const key = createHash('sha256').update(withoutCredentials(url)).digest('hex').slice(0, 16);
  const own = join(store, 'holdfast');
  return {
    home,
    directory,
    store,
    format,
    lock: join(directory, 'claims.lock'),
    journal: join(own, 'journal.json'),
    journalLog: join(own, 'journal.log'),
    firstSeen: join(own, `seen-${key}.json`),
    proven: join(own, 'proven.json'),
    tips: join(store, 'objects', `tips-${key}.json`),
    busy: join(own, 'busy'),
    place: join(own, 'place'),
    key,
    refPrefix: `refs/holdfast/${key}/`,
  };
}

/**
 * Runs `fn` while no other process of this clone works in the store, which is usable then. `fn` gets the id of the place
 * that the store's journal belongs to.
 *
 * @throws LockError HOLDFAST_PERMISSION when another user has put the store there, or something into it.
 */
export async function withStore<T>(
  paths: StorePaths,
  exclusively: Exclusively,
  bootId: string | undefined,
  deadline: Deadline,
  fn: (placeId: string) => Promise<T>,
): Promise<T> {
  try {
    makeDirectory(paths.home, { mode: 0o700 });
  } catch (error) {
    throw systemError('create', paths.home, errnoOf(error) ?? 'EIO', error);
  }
  makeOwnDirectories(paths.directory, { depth: 1 });
  const lock = openOwnIfThere(paths.lock, constants.O_RDONLY, { depth: STORE_DEPTH });
  if (lock !== undefined) closeSync(lock);
  return exclusively(paths.lock, deadline, async () => {
    const placeId = await prepare(paths, bootId);
    try {
      return await fn(placeId);
    } finally {
      tryUnlink(paths.busy);
    }
  });
}

/** Notes a process that works in the store, so that the next command can end it if this one is killed. */
export function noteStarted({ busy }: StorePaths, pid: number): void {
  const file = openOwn(busy, constants.O_WRONLY | constants.O_APPEND, { depth: STATE_DEPTH });
  try {
    writeSync(file, startedLine(pid));
  } finally {
    closeSync(file);
  }
}

async function prepare(paths: StorePaths, bootId: string | undefined): Promise<string> {
  const { store, busy, place } = paths;
  try {
    makeFolders(store, ['objects/info', 'objects/pack', 'refs/heads', 'holdfast']);
    assertNothingForeign(store);
    const known = placeAt(place, bootId);
    if (known === undefined) forgetOtherPlace(store);
    const left = readState(busy);
    if (left !== undefined) {
      await endStarted(left);
      removeLockFiles(store);
    }
    const placeId = known ?? newPlace(place, bootId);
    writeIfOther(join(store, 'HEAD'), 'ref: refs/heads/none\n');
    writeIfOther(join(store, 'config'), configText(paths.format));
    replaceText(busy, '', false);
    return placeId;
  } catch (error) {
    if (error instanceof LockError) throw error;
    throw systemError('prepare', store, errnoOf(error) ?? 'EIO', error);
  }
}

/** What git would obey or write through. We make none of these. */
const FOREIGN = new Set(['commondir', 'config.worktree', 'gitdir', 'hooks', 'modules', 'worktrees']);

function assertNothingForeign(store: string): void {
  const entries = (name: string): Dirent[] => readdirSync(join(store, name), { withFileTypes: true });
  // A link leads git elsewhere, and a FIFO makes it wait for ever.
  const isOdd = (entry: Dirent): boolean => !entry.isFile() && !entry.isDirectory();
  const found = [
    ...entries('').filter((entry) => isOdd(entry) || FOREIGN.has(entry.name)),
    ...entries('objects/info').filter((entry) => isOdd(entry) || entry.name.endsWith('alternates')),
    ...['objects', 'objects/pack', 'refs', 'refs/heads', 'holdfast'].flatMap((name) =>
      entries(name).filter(isOdd),
    ),
  ];
  const [first] = found;
  if (first === undefined) return;
  throw new LockError(
    `Could not use "${store}": "${first.name}" in it was not made by holdfast. Find out which user put it there, then remove "${store}".`,
    { code: 'HOLDFAST_PERMISSION', resource: store },
  );
}

/** The journal and all that was seen belong to the clone that this one is a copy of. */
function forgetOtherPlace(store: string): void {
  rmSync(join(store, 'holdfast'), { recursive: true, force: true });
  makeFolders(store, ['holdfast']);
}

/** Empties the store of everything that can be fetched again. */
export function resetStore(paths: StorePaths): void {
  for (const name of ['objects', 'refs', 'packed-refs', 'shallow', 'FETCH_HEAD']) {
    rmSync(join(paths.store, name), { recursive: true, force: true });
  }
  makeFolders(paths.store, ['objects/info', 'objects/pack', 'refs/heads']);
}

function makeFolders(store: string, names: readonly string[]): void {
  for (const name of names)
    makeOwnDirectories(join(store, name), { depth: STORE_DEPTH + name.split('/').length });
}

function removeLockFiles(store: string): void {
  for (const directory of ['', 'refs', 'objects/info']) {
    for (const name of readdirSync(join(store, directory), {
      recursive: directory === 'refs',
      encoding: 'utf8',
    })) {
      if (name.endsWith('.lock')) rmSync(join(store, directory, name), { force: true });
    }
  }
}

function writeIfOther(path: string, text: string): void {
  if (readOwn(path, { depth: STORE_DEPTH + 1 })?.toString('utf8') === text) return;
  replaceText(path, text, false);
}

/** The store's own configuration, nothing of the clone's: that is handed to each git in its environment. */
function configText(format: ObjectFormat): string {
  return `[core]
	repositoryformatversion = ${format === 'sha1' ? 0 : 1}
	bare = true
	hooksPath = /dev/null
	logAllRefUpdates = false
	fsmonitor = false
	fsync = none
[gc]
	auto = 0
[maintenance]
	auto = false
[push]
	followTags = false
	gpgSign = false
	recurseSubmodules = no
[fetch]
	recurseSubmodules = no
	fsckObjects = false
	unpackLimit = 1000
[transfer]
	fsckObjects = false
[submodule]
	recurse = false
${format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${format}\n`}`;
}
