import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { LockError } from '../core/errors.js';
import { isLeaseListing } from '../backends/lease/listing.js';
import { fileSystemKindOfDirectory, type FileSystemKind } from '../platform/filesystem.js';

export interface FileChoice {
  readonly backend: 'flock' | 'lease';
  readonly fileSystem: FileSystemKind;
  /** Why, in words for people. */
  readonly reason: string;
}

/**
 * How a plain path is locked. The kernel's lock where one kernel has the files, and a lease where others reach them
 * too: some network file systems keep flock to the one host in silence. What cannot be decided counts as local, and
 * `lease:PATH` is there for callers that know better.
 */
export function chooseForPath(path: string): FileChoice {
  const fileSystem = fileSystemKindOfDirectory(dirname(path));
  if (fileSystem.kind === 'network') {
    return {
      backend: 'lease',
      fileSystem,
      reason: `${fileSystem.name} is shared with other hosts, whose locks this kernel may not see`,
    };
  }
  const reason =
    fileSystem.kind === 'local'
      ? `${fileSystem.name} is local, so the kernel's lock is the whole truth`
      : `${fileSystem.name} is of unknown kind; use lease:PATH if other hosts reach it`;
  return { backend: 'flock', fileSystem, reason };
}

/** File systems on which nothing here excludes another host, by name, and what was seen of them. */
const UNFIT: Readonly<Record<string, string>> = {
  'fuse.smbnetfs': 'smbnetfs keeps flock to each host and lets two renames of one name succeed',
};

/** Why no lock can be trusted on a file system; undefined when it is not known as such. */
export function whyUnfit(fileSystemName: string): string | undefined {
  return UNFIT[fileSystemName];
}

/**
 * @throws LockError HOLDFAST_UNSUPPORTED on a file system that is known to grant a lease twice. `flock:PATH` is still
 *   there for exclusion on this host alone.
 */
export function assertFit(path: string): void {
  const reason = whyUnfit(fileSystemKindOfDirectory(dirname(path)).name);
  if (reason === undefined) return;
  throw new LockError(
    `Could not lock "${path}": ${reason}. Mount the share with the kernel's own client (mount -t cifs).`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: path },
  );
}

/**
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when the directory at `path` is a lease: flocking it would exclude none of
 *   the lease's users. A path that is a file needs no look, because a lease cannot be born where a file is.
 */
export function assertNoLease(path: string): void {
  if (!isLeaseDirectory(path)) return;
  throw new LockError(
    `Could not lock "${path}": it is locked by a lease, so a kernel lock would exclude no holder of it. Use lease:${path}.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource: path },
  );
}

function isLeaseDirectory(path: string): boolean {
  try {
    return isLeaseListing(readdirSync(path));
  } catch {
    // What cannot be read is the kernel's to refuse.
    return false;
  }
}
