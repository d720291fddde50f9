import { readdirSync, type Dirent } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { parseAddress } from '../core/address.js';
import { isLeaseListing } from '../backends/lease/listing.js';
import { kernelFileKey, readMounts } from '../platform/mounts.js';
import { LockSurvey } from '../platform/lock-survey.js';
import { heldLocks } from '../platform/lock-table.js';
import { inSideFolder, locksIn } from '../files/side-folder.js';
import { lockFilesIn } from './manage.js';
import { namespaceOf } from './resolve.js';

/**
 * Addresses of the locks in `directory`: our lock files and leases there and in its `.holdfast/locks`, held or not, and
 * whatever else there is locked right now, the directory itself included. Absolute paths, `lease:` before those of
 * leases; sorted.
 *
 * @throws LockError when the directory cannot be read.
 */
export async function listLocks(directory: string): Promise<readonly string[]> {
  const here = resolve(directory);
  const found = new Set(lockFilesIn(here));
  const entries = entriesOf(here, here);
  const sides = locksIn(
    here,
    entries.map(({ path }) => basename(path)),
  );
  const beside = sides.flatMap((side) => inSideFolder(side, (reachable) => entriesOf(side, reachable)) ?? []);
  const seen = [{ path: here, isDirectory: true }, ...entries, ...beside];
  for (const { path, isDirectory } of seen) if (isDirectory && isLease(path)) found.add(`lease:${path}`);
  const paths = seen.map(({ path }) => path);
  const held = new Set((await heldLocks()).map(({ key }) => key));
  if (held.size > 0) {
    const mounts = readMounts();
    const survey = new LockSurvey();
    for (const path of paths) {
      if (survey.isSurelyFree(path)) continue;
      const key = tryKey(path, mounts);
      if (key !== undefined && held.has(key)) found.add(path);
    }
  }
  return [...found].sort();
}

interface Entry {
  readonly path: string;
  readonly isDirectory: boolean;
}

function entriesOf(directory: string, reachable: string): Entry[] {
  try {
    // A link's target is another place's lock; it is shown there.
    const entries = readdirSync(reachable, { withFileTypes: true }).filter(
      (entry) => !entry.isSymbolicLink(),
    );
    return entries.map((entry) => ({
      path: join(directory, entry.name),
      isDirectory: entry.isDirectory() || !isOfKnownType(entry),
    }));
  } catch {
    return [];
  }
}

/** Some file systems do not say the type in a listing (readdir(3), DT_UNKNOWN). */
function isOfKnownType(entry: Dirent): boolean {
  return (
    entry.isFile() || entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice()
  );
}

function isLease(path: string): boolean {
  try {
    return isLeaseListing(readdirSync(path));
  } catch {
    return false;
  }
}

function tryKey(path: string, mounts: ReturnType<typeof readMounts>): string | undefined {
  try {
    return kernelFileKey(path, mounts);
  } catch {
    return undefined;
  }
}

const SERVER = /^(?:rediss?|valkeys?|etcds?|postgres(?:ql)?|s3):\/\/[^#]+$/;

/** The address of a server of an engine, without the name of a lock. */
export function isServer(text: string): boolean {
  return SERVER.test(text);
}

/**
 * Addresses of the locks that are held on a server, sorted. They carry the credentials of `server`, for the next step.
 *
 * @throws LockError when the server cannot be asked.
 */
export async function listServerLocks(server: string): Promise<readonly string[]> {
  const names = (await namespaceOf(parseAddress(`${server}#any`)).backend.list?.()) ?? [];
  return names.map((name) => `${server}#${name}`);
}
