import { readFileSync } from 'node:fs';

import { type ProcessStat, isZombie, listPids, readProcessStat } from '../platform/process-stat.js';

export interface TreeRoot {
  readonly pid: number;
  /** As `processStartTime` gave it while the process surely ran; without it a reused pid cannot be told. */
  readonly startTime: number | undefined;
  /** It was started as the leader of its own process group and session (`detached`). */
  readonly leadsGroup?: boolean;
  /**
   * `NAME=value` that only this tree has in its environment. Finds those that double-forked into a session
   * of their own, unless they also cleaned their environment.
   */
  readonly environmentMark?: string;
}

export interface ProcessTree {
  /** Looks for members anew; true when there were some that were not known. Reads /proc of the whole host. */
  refresh(): boolean;
  /** Known members that still run; zombies do not. */
  living(): readonly number[];
  /** Sends to one known member, if it still is the same process. */
  signal(pid: number, signal: NodeJS.Signals): void;
}

/**
 * The descendants of `root`, and all in process groups and sessions that it or they lead. Membership is
 * remembered with the start time, so it outlives the parents and never passes to a reused pid.
 */
export function trackTree(root: TreeRoot): ProcessTree {
  const startTimes = new Map<number, number>();
  /** Led by members, once. Such a number is not reused while a group or session of that name exists. */
  const groups = new Set<number>(root.leadsGroup === true ? [root.pid] : []);
  const earliest = root.startTime ?? 0;

  const isMember = (stat: ProcessStat, members: ReadonlySet<number>): boolean => {
    if (stat.pid === root.pid) return root.startTime === undefined || root.startTime === stat.startTime;
    if (stat.startTime < earliest || stat.pid === process.pid) return false;
    return (
      startTimes.get(stat.pid) === stat.startTime ||
      members.has(stat.parentPid) ||
      groups.has(stat.processGroup) ||
      groups.has(stat.session)
    );
  };

  const refresh = (): boolean => {
    const stats = listPids().flatMap((pid) => readProcessStat(pid) ?? []);
    const members = new Set<number>();
    const before = startTimes.size;
    for (let isGrowing = true; isGrowing;) {
      isGrowing = false;
      for (const stat of stats) {
        if (members.has(stat.pid)) continue;
        if (
          !isMember(stat, members) &&
          !(stat.startTime >= earliest && hasMark(stat.pid, root.environmentMark))
        )
          continue;
        members.add(stat.pid);
        startTimes.set(stat.pid, stat.startTime);
        if (stat.processGroup === stat.pid) groups.add(stat.pid);
        isGrowing = true;
      }
    }
    return startTimes.size > before;
  };

  const isLiving = (pid: number): boolean => {
    const stat = readProcessStat(pid);
    return stat !== undefined && stat.startTime === startTimes.get(pid) && !isZombie(stat);
  };

  return {
    refresh,
    living: () => [...startTimes.keys()].filter(isLiving),
    signal: (pid, signal) => {
      // Nothing may come between the look and the kill. What remains is the kernel's own instant.
      if (isLiving(pid)) trySignal(pid, signal);
    },
  };
}

function hasMark(pid: number, mark: string | undefined): boolean {
  if (mark === undefined || pid === process.pid) return false;
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
  } catch {
    return false;
  }
}

/** It may be gone, or belong to somebody else by setuid. `pid` below zero is a process group. */
export function trySignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
