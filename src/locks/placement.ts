import { createHash } from 'node:crypto';
import { statSync, type BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { canonicalServer } from '../core/canonical-server.js';
import { LockError } from '../core/errors.js';
import type { Target } from '../core/namespace.js';
import { realPathOf } from '../files/real-path.js';
import { locksBeside } from '../files/side-folder.js';
import { fileSystemKindOfDirectory, foldsCase } from '../platform/filesystem.js';
import { isMountPoint } from '../platform/mounts.js';

// The canonical names of locks. A lock is what the kernel calls the thing, whatever its path is called here: one file
// has several paths (symbolic and hard links, bind mounts, volumes of containers, chroot).

/**
 * The lock file that guards the data file at the absolute `dataPath`: beside it, or in `lockDir`, where the identity of
 * the data's directory keeps equal base names apart.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when the file is a mount point: its other paths lie in other directories.
 */
export function dataLockPath(dataPath: string, lockDir: string | undefined): string {
  const real = realPathOf(dataPath);
  assertNoMountPoint(real);
  const name = basename(real);
  if (lockDir === undefined) return join(locksBeside(dirname(real), real), `${shortName(name)}.lock`);
  return join(lockDir, `${beginning(name)}.${hashOf(placeInDirectory(real))}.lock`);
}

/** File systems take 255 bytes; `.lock`, `.token` and the name of a temp file come behind these. */
const LONGEST_NAME_BYTES = 200;

/** `name`, or its beginning and its hash where the names made from it would be too long. */
function shortName(name: string): string {
  return Buffer.byteLength(name) <= LONGEST_NAME_BYTES ? name : `${beginning(name)}.${hashOf(name)}`;
}

/** As many whole characters as fit. */
function beginning(name: string): string {
  let length = 0;
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > LONGEST_NAME_BYTES) return name.slice(0, length);
    length += character.length;
  }
  return name;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * The identity of a lock: equal for all its names, and ordered alike in every process that can contend for it.
 * Undefined for a kernel lock whose file does not exist yet.
 */
export function lockKey({ namespace, resource }: Target, permits?: number): string | undefined {
  const { name } = namespace.backend;
  if (name === 'flock') {
    const stat = statOf(resource);
    return stat && `flock:${sortable(stat.dev)}:${sortable(stat.ino)}`;
  }
  // The directory that a lease is born in: it is there before the lease, and has one inode on every host.
  if (name === 'lease') return `lease:${placeInDirectory(realPathOf(resource))}`;
  // Elsewhere the permits of a resource and its lock know nothing of each other; on flock the first permit is the lock.
  const server = namespace.server === '' ? '' : canonicalServer(namespace.server);
  return `${name}:${server}#${resource}${permits === undefined ? '' : '\0permits'}`;
}

/** This host, in an address of a server. They may be one server or two; in the order of locks they stand together. */
const LOOPBACK = /(?<=\/\/|,)(?:localhost|127\.0\.0\.1|\[::1\])(?=:)/g;

/** The order in which the locks of these keys are acquired, alike in programs that spell a server differently. */
export function compareKeys(a: string, b: string): number {
  const [first, second] = [a, b].map((key) => key.replace(LOOPBACK, 'localhost')) as [string, string];
  if (first === second) return a < b ? -1 : 1;
  return first < second ? -1 : 1;
}

/**
 * A name in a directory, in one spelling. On network file systems hosts have devices of their own, so the inode stands
 * alone there: two directories with equal inodes share a name, which costs a wait and never exclusion.
 */
function placeInDirectory(path: string): string {
  const directory = dirname(path);
  const { kind } = fileSystemKindOfDirectory(directory);
  const stat = statOf(directory);
  const name = foldsCase(directory) ? basename(path).normalize().toLowerCase() : basename(path);
  if (stat === undefined) return path;
  return `${sortable(stat.ino)}:${kind === 'network' ? '' : String(stat.dev)}:${name}`;
}

function sortable(id: bigint): string {
  return String(id).padStart(20, '0');
}

/** Undefined also for what cannot be looked at: to report that is the backend's task. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Paths whose file was looked at, with its identity: a file that is mounted there later is another one. */
const CHECKED_LIMIT = 1000;
const checked = new Map<string, string>();

function assertNoMountPoint(path: string): void {
  const stat = statOf(path);
  if (stat === undefined) return;
  const identity = `${stat.dev}:${stat.ino}`;
  if (checked.get(path) === identity) return;
  if (isMountPoint(path)) {
    throw new LockError(
      `Could not lock "${path}": the file is a mount point by itself, so that programs that reach it by another path have another lock. Mount its directory instead.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: path },
    );
  }
  if (checked.size >= CHECKED_LIMIT) checked.clear();
  checked.set(path, identity);
}
