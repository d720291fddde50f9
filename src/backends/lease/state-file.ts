import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

import { fileSystemKindOfDirectory } from '../../platform/filesystem.js';

/** Whose inode numbers belong to files, whichever client looks. Others make them up anew. */
const STABLE_SHARES = new Set(['nfs', 'ceph', 'gfs2', 'ocfs2', 'lustre', 'gpfs']);

/**
 * Which file the state of a lease is: one file keeps its inode through all renames, and that of a copy has another one.
 * Undefined when the name is gone.
 */
export async function stateFileOf(resource: string, name: string): Promise<string | undefined> {
  const { kind, name: type } = fileSystemKindOfDirectory(resource);
  if (kind !== 'local' && !STABLE_SHARES.has(type)) return 'state';
  try {
    const { dev, ino, birthtimeNs } = await lstat(join(resource, name), { bigint: true });
    // A share may be mounted anew, as another device.
    return `${kind === 'local' ? dev : ''}:${ino}:${birthtimeNs}`;
  } catch {
    return undefined;
  }
}
