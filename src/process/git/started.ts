import { readFileSync } from 'node:fs';

import { systemClock } from '../../platform/clock.js';
import { bootId, pidNamespace, processStartTime } from '../../platform/identity.js';
import { listPids, readProcessStat } from '../../platform/process-stat.js';
import { terminateTree, type TreeRoot } from '../tree.js';

/**
 * A leftover has no work that anyone waits for. But over a path it is the remote too, and TERM lets it take its lock files
 * along: one that is killed leaves them there, and nothing can be pushed to that branch any more.
 */
const GRACE_MS = 5_000;

/** The programs of git that do its work, as their command lines begin. A helper that stays (a cache of credentials) is none. */
const WORKER =
  /^(?:\S*\/)?git[ -](?:push|fetch|send-pack|receive-pack|upload-pack|index-pack|unpack-objects|pack-objects|rev-list|remote-\w+|cat-file|ls-remote|fetch-pack)(?: |$)/;

/** A line about a process group that this process has started, for {@link endStarted} in another process. */
export function startedLine(pid: number): string {
  return `${pid} ${processStartTime(pid) ?? '-'} ${bootId() ?? '-'} ${pidNamespace() ?? '-'}\n`;
}

/**
 * Ends the git processes of the lines and what they have started, if they still are the same processes. Programs that they
 * left running on purpose (a cache of credentials, a shared connection) are left alone.
 */
export async function endStarted(lines: string): Promise<void> {
  for (const line of lines.split('\n')) {
    const [pid, startTime, boot, namespace] = line.split(' ');
    if (boot === undefined || boot === '-' || boot !== bootId()) continue;
    if (startTime === '-' || namespace !== String(pidNamespace() ?? '-')) continue;
    for (const root of rootsOf(Number(pid), Number(startTime)))
      await terminateTree(root, GRACE_MS, systemClock);
  }
}

function rootsOf(pid: number, startTime: number): TreeRoot[] {
  if (!(pid > 1)) return [];
  const current = processStartTime(pid);
  if (current === startTime) return [{ pid, startTime, isFamilyOnly: true }];
  // Reused: then the group of that number is another one, too.
  if (current !== undefined) return [];
  return listPids().flatMap((member) => {
    const stat = readProcessStat(member);
    const isLeftover =
      stat?.processGroup === pid && stat.startTime >= startTime && WORKER.test(commandLine(member));
    return isLeftover ? [{ pid: member, startTime: stat.startTime, isFamilyOnly: true as const }] : [];
  });
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trimEnd();
  } catch {
    return '';
  }
}
