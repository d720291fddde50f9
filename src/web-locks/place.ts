import { basename, join, resolve } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { LockError } from '../core/errors.js';
import { makeDirectory } from '../files/make-directory.js';
import { inspect, inspectAll, type Inspection } from '../locks/inspect.js';
import { isServer, listLocks, listServerLocks } from '../locks/list.js';
import { ownLock, type Lock } from '../locks/lock.js';
import { stateDirectory } from '../platform/user-directories.js';
import { decodeFileName, decodeName, encodeFileName, encodeName } from './names.js';

/** A lock of the place, as others see it. */
export interface Seen {
  /** Undefined for a name that was too long to be kept. */
  readonly name: string | undefined;
  readonly inspection: Inspection;
}

/** Where the locks of a manager are kept: names there are one namespace. */
export interface Place {
  lockOf(name: string): string | Lock;
  /** Every lock that is held or waited for there, by any process. */
  list(): Promise<readonly Seen[]>;
}

/**
 * @param text a directory, the address of a server without a name, or `memory:`; undefined: a directory of this user's.
 * @throws TypeError for anything else.
 */
export function placeOf(text: string | undefined): Place {
  if (text === undefined) return directoryPlace(userDirectory(), true);
  if (text === 'memory:') return memoryPlace();
  if (isServer(text)) return serverPlace(text);
  if (text === '' || /^[a-z][a-z0-9+.-]+:/i.test(text)) {
    throw new TypeError(
      `Locks cannot be kept at "${text}": give a directory, memory:, or the address of a server without the name of a lock.`,
    );
  }
  return directoryPlace(resolve(text), false);
}

function userDirectory(): string {
  const state = stateDirectory();
  if (state !== undefined) return join(state, 'web-locks');
  throw new LockError(
    'Could not find a place for Web Locks: this user has no home. Give new LockManager a directory.',
    { code: 'HOLDFAST_UNSUPPORTED' },
  );
}

function directoryPlace(directory: string, isOurs: boolean): Place {
  let isMade = !isOurs;
  return {
    lockOf(name) {
      if (!isMade) makeUserDirectory(directory);
      isMade = true;
      return ownLock(join(directory, encodeFileName(name)));
    },
    async list() {
      const addresses = await listLocks(directory).catch((error: unknown) => {
        if (errnoOf((error as { cause?: unknown }).cause) === 'ENOENT') return [];
        throw error;
      });
      const found = await inspectAll(addresses);
      return found.map((inspection) => ({ name: decodeFileName(basename(inspection.address)), inspection }));
    },
  };
}

function makeUserDirectory(directory: string): void {
  try {
    makeDirectory(directory, { mode: 0o700 });
  } catch (error) {
    throw systemError('create', directory, errnoOf(error) ?? 'EIO', error);
  }
}

function serverPlace(server: string): Place {
  return {
    lockOf: (name) => `${server}#${encodeName(name)}`,
    async list() {
      const addresses = await listServerLocks(server);
      return Promise.all(
        addresses.map(async (address) => ({
          name: decodeName(address.slice(server.length + 1)),
          inspection: await inspect(address),
        })),
      );
    },
  };
}

function memoryPlace(): Place {
  return {
    lockOf: (name) => `memory:#${encodeName(name)}`,
    list: () => Promise.resolve([]),
  };
}
