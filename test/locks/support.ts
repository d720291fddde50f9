import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { testDirectory } from '../support/directory.js';

export function lockPath(name = 'a.lock'): string {
  return join(testDirectory(), name);
}

/** As a shell script sees it: takes nothing that stays taken. */
export function isFree(path: string, mode: 'exclusive' | 'shared' = 'exclusive'): boolean {
  return spawnSync('flock', [mode === 'shared' ? '-sn' : '-n', path, 'true']).status === 0;
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
