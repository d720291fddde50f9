import { readFileSync, readlinkSync } from 'node:fs';

import { isProcOurs, listPids } from '../platform/process-stat.js';

/**
 * Whether a living process of this machine names `path` or something below it: in its environment, its mapped files, its
 * working directory or its program. False where there is no /proc. Processes of other users are seen by root only.
 */
export function isNamedByProcess(path: string): boolean {
  return isProcOurs() && listPids().some((pid) => pid !== process.pid && names(pid, path));
}

function names(pid: number, path: string): boolean {
  const isBelow = (text: string): boolean => text === path || text.includes(`${path}/`);
  for (const link of ['cwd', 'exe'])
    if (isBelow(attempt(() => readlinkSync(`/proc/${pid}/${link}`)))) return true;
  for (const file of ['environ', 'maps']) {
    const content = attempt(() => readFileSync(`/proc/${pid}/${file}`, 'latin1'));
    if (content.includes(Buffer.from(path).toString('latin1'))) return true;
  }
  return false;
}

/** Empty for a process that has ended, or that we may not look into. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
