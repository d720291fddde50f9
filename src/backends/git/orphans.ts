import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { sleep } from '../../platform/clock.js';

const POLL_MS = 5;
const PATIENCE_MS = 2_000;

/**
 * Ends git processes that a killed holder of the local lock has left at work in the store, and removes the lock
 * files of those that died. Only under the local lock: whoever else is in the store then is an orphan.
 */
export async function endOrphans(store: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    const orphans = processesIn(store);
    if (orphans.length === 0) break;
    for (const pid of orphans) tryKill(pid);
    await sleep(POLL_MS);
  }
  removeLockFiles(store);
}

/** By the GIT_DIR that every git of ours inherits. None are found where there is no /proc. */
function processesIn(store: string): number[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  const marker = Buffer.from(`\0GIT_DIR=${store}\0`);
  return names.filter((name) => /^\d+$/.test(name) && hasMarker(name, marker)).map(Number);
}

function hasMarker(pid: string, marker: Buffer): boolean {
  if (Number(pid) === process.pid) return false;
  try {
    const environment = readFileSync(`/proc/${pid}/environ`);
    return Buffer.concat([Buffer.from('\0'), environment]).includes(marker);
  } catch {
    return false;
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended meanwhile, or somebody else's: then the loop's patience ends it.
  }
}

function removeLockFiles(store: string): void {
  for (const directory of ['', 'refs', 'objects/info']) {
    for (const name of listing(join(store, directory), directory === 'refs')) {
      if (name.endsWith('.lock')) rmSync(join(store, directory, name), { force: true });
    }
  }
}

function listing(directory: string, isRecursive: boolean): string[] {
  try {
    return readdirSync(directory, { recursive: isRecursive, encoding: 'utf8' });
  } catch {
    return [];
  }
}
