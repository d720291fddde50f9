import { readdirSync, readlinkSync } from 'node:fs';

import type { TestRemote } from './git-remotes.js';

/** A server works in the repository's own folder, and so do its hooks. */
export function serverProcessesOf(remote: TestRemote): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === remote.path;
    } catch {
      return false;
    }
  });
}
