import { readFileSync } from 'node:fs';

import type { Clock } from '../core/time.js';
import { processTable } from '../platform/identity.js';
import { availableNative } from '../platform/native.js';
import {
  type ProcessStat,
  isProcOurs,
  isZombie,
  listPids,
  readProcessStat,
} from '../platform/process-stat.js';

export interface TreeRoot {
  readonly pid: number;
  /** As `processStartTime` gave it while the process surely ran; without it a reused pid cannot be detected. */
  readonly startTime: number | undefined;
  /** It was started as the leader of its own process group and session (`detached`). */
  readonly leadsGroup?: boolean;
  /**
   * `NAME=value` that only this tree has in its environment. Finds those that double-forked into a session
   * of their own, unless they also cleaned their environment.
   */
  readonly environmentMark?: string;
  /**
   * Only descendants belong to it, not what else is in its group or session: a program that detached itself from a git (a
   * cache of credentials) stays in both, and is to live on.
   */
  readonly isFamilyOnly?: boolean;
  /** It was started by `startChild`: on Windows its descendants are those in this process's job. */
  readonly isInJob?: boolean;
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
  const groups = new Set<number>(root.leadsGroup === true && root.isFamilyOnly !== true ? [root.pid] : []);
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
        if (stat.processGroup === stat.pid && root.isFamilyOnly !== true) groups.add(stat.pid);
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

/** It may be gone, or belong to another user by setuid. `pid` below zero is a process group. */
export function trySignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

const POLL_MS = 20;

/** A killed process goes at once, unless it sits in an uninterruptible system call. */
const KILL_WAIT_MS = 2000;

/** Looks in a row; each finds the forks of the last. A tree that outruns them is met again at the KILL. */
const MAX_ROUNDS = 10;

/**
 * Ends a process and everything below it: TERM to all, up to `graceMs` (>= 0) for them to go, KILL to those
 * that remain, also to those started meanwhile. Resolves when all are gone, with the pids that could not be
 * ended (uninterruptible, or another user's). The root must not be reaped unnoticed: pass its start time.
 *
 * Those started after the TERM (a clean-up's helpers) get no TERM. Not found: processes that left the tree
 * by a double fork before this call, unless they stay in a group or session of the tree or carry its mark.
 */
export async function terminateTree(
  root: TreeRoot,
  graceMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  if (!isProcOurs()) return terminateWithoutProc(root, graceMs, clock);
  const tree = trackTree(root);
  // Until stable: a process that forks during one look is found by the next.
  for (let round = 0; round < MAX_ROUNDS && tree.refresh(); round++);
  for (const pid of tree.living()) tree.signal(pid, 'SIGTERM');
  await waitUntil(() => hasEnded(tree), graceMs, clock);
  const hasGone = await waitUntil(
    () => {
      if (hasEnded(tree)) return true;
      // What is killed forks no more, so each round leaves fewer that could.
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const isNew = tree.refresh();
        for (const pid of tree.living()) tree.signal(pid, 'SIGKILL');
        if (!isNew) break;
      }
      return false;
    },
    KILL_WAIT_MS,
    clock,
  );
  return hasGone ? [] : tree.living();
}

/** The whole host is read only once the known members are gone. */
function hasEnded(tree: ProcessTree): boolean {
  if (tree.living().length > 0) return false;
  tree.refresh();
  return tree.living().length === 0;
}

async function waitUntil(isDone: () => boolean, timeoutMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    if (isDone()) return true;
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) return false;
    await new Promise<void>((resolve) => clock.setTimer(Math.min(POLL_MS, leftMs), resolve));
  }
}

/**
 * Without /proc: the group, if the root leads one, else the root, and those that the addon finds below it (macOS, Windows).
 * Windows knows no request to end: there the grace is not waited for.
 */
async function terminateWithoutProc(
  root: TreeRoot,
  graceMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  const isWindows = process.platform === 'win32';
  const target = root.leadsGroup === true && !isWindows ? -root.pid : root.pid;
  const below = new Map<number, number>();
  const native = root.isInJob === true ? availableNative() : undefined;
  // A member that was seen once stays one, also when its parent has ended and it got another. The number of a parent that
  // has ended may be another process's by now: a child is not older than its parent.
  const living = (): number[] => {
    const table = processTable();
    const job = new Set(native?.jobMembers?.());
    const startOf = (pid: number): number | undefined =>
      pid === root.pid ? (root.startTime ?? 0) : below.get(pid);
    for (let size = -1; size !== below.size;) {
      size = below.size;
      for (const { pid, parentPid, startTime } of table)
        if (job.has(pid) || startTime >= (startOf(parentPid) ?? Infinity)) below.set(pid, startTime);
    }
    below.delete(root.pid);
    return table.filter(({ pid, startTime }) => below.get(pid) === startTime).map(({ pid }) => pid);
  };
  const signalAll = (signal: NodeJS.Signals): void => {
    const members = living();
    trySignal(target, signal);
    for (const pid of members) trySignal(pid, signal);
  };
  const isGone = (): boolean => !trySignal(target, 0) && living().length === 0;
  if (!isWindows) {
    signalAll('SIGTERM');
    if (await waitUntil(isGone, graceMs, clock)) return [];
  }
  const isEnded = (): boolean => {
    // Also those that were started meanwhile.
    signalAll('SIGKILL');
    return isGone();
  };
  return (await waitUntil(isEnded, KILL_WAIT_MS, clock)) ? [] : [root.pid, ...living()];
}
