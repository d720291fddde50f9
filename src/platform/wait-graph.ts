import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import type { DeadlockLink } from '../core/deadlock.js';
import { kernelFileKey, readMounts } from './mounts.js';
import { parseLockLines, type LockLine } from './lock-lines.js';
import { heldLocks, type HeldLock } from './lock-table.js';
import { ancestorsOf, programOf } from './identity.js';
import { isProcOurs, readProcessStat } from './process-stat.js';

/**
 * The cycle that `pid` closes by waiting for the flock of the file at `path`: each link holds a lock that the link
 * before it waits for, and the last one waits for a lock that `pid` holds. Undefined when there is none, or when it
 * cannot be seen from here.
 *
 * A process that runs several tasks may hold with one and wait with another: for it a cycle is a suspicion, not proof.
 * Costs one read of /proc/locks unless that makes a cycle possible; only then are the descriptors of the host looked at.
 */
export async function findDeadlock(path: string, pid: number): Promise<readonly DeadlockLink[] | undefined> {
  if (!isProcOurs()) return undefined;
  const key = kernelFileKey(path);
  if (key === undefined) return undefined;
  const lines = parseLockLines(await readFile('/proc/locks', 'latin1'));
  if (!isCyclePossible(lines, key, pid)) return undefined;
  const locks = await heldLocks();
  const cycle = shortestCycle(waitGraph(locks), key, pid);
  return cycle === undefined ? undefined : describe(cycle, pathsOf(locks, key, path));
}

/** One lock of a {@link WaitChain}: its holders, and what they wait for themselves. */
export interface ChainLock {
  /** Path of the lock file. */
  readonly path: string;
  /** Processes that have it open and locked, as far as this process can see them. */
  readonly holders: readonly {
    readonly pid: number;
    /** The name of the program, without arguments. */
    readonly program: string | undefined;
    /** Paths. Empty for a holder that is not seen to wait for a lock. */
    readonly waitsFor: readonly string[];
  }[];
}

/** The chain of waiters behind one lock: see `explain`. */
export interface WaitChain {
  /** The lock that was asked about first, then those that its holders wait for, and so on. */
  readonly locks: readonly ChainLock[];
  /** The cycle, if the chain ends in one. */
  readonly deadlock: readonly DeadlockLink[] | undefined;
}

/** Why the lock at `path` is not free: its holders, what they wait for, and whether that ends in a cycle. */
export async function waitChain(path: string): Promise<WaitChain> {
  const key = isProcOurs() ? kernelFileKey(path) : undefined;
  if (key === undefined) return { locks: [], deadlock: undefined };
  const locks = await heldLocks();
  const graph = waitGraph(locks);
  const nameOf = pathsOf(locks, key, path);
  const keys = new Set([key]);
  let cycle: readonly Step[] | undefined;
  const chain: ChainLock[] = [];
  // The set grows while it is walked: each lock brings those that its holders wait for.
  for (const next of keys) {
    const lock = locks.find((held) => held.key === next);
    if (lock === undefined) continue;
    const holders = lock.holders.map(({ pid, program }) => {
      const waitsFor = graph.waitsFor.get(pid) ?? [];
      for (const wanted of waitsFor) {
        keys.add(wanted);
        cycle ??= shortestCycle(graph, wanted, pid);
      }
      return { pid, program, waitsFor: waitsFor.map(nameOf) };
    });
    chain.push({ path: nameOf(next), holders });
  }
  return { locks: chain, deadlock: cycle === undefined ? undefined : describe(cycle, nameOf) };
}

/** The edges of the wait-for graph; a cycle through them is a deadlock, unless a wait has a timeout. */
export interface WaitGraph {
  /** Keys of the locks that a process waits for. Waits at the gate are missing: they cannot be named. */
  readonly waitsFor: ReadonlyMap<number, readonly string[]>;
  /** Processes that hold a lock, those that inherited it included. */
  readonly heldBy: ReadonlyMap<string, readonly number[]>;
}

export function waitGraph(locks: readonly HeldLock[]): WaitGraph {
  const waitsFor = new Map<number, string[]>();
  const heldBy = new Map<string, number[]>();
  for (const { key, holders, waiters } of locks) {
    heldBy.set(key, [...new Set(holders.map((holder) => holder.pid))]);
    for (const { pid } of waiters) {
      if (pid !== undefined) waitsFor.set(pid, [...(waitsFor.get(pid) ?? []), key]);
    }
  }
  return { waitsFor, heldBy };
}

interface Step {
  readonly pid: number;
  readonly waitsFor: string;
}

/**
 * By the processes that took the locks, which /proc/locks names for free. A process that took a lock is stuck if it waits,
 * or if a process below it does that may have inherited the lock. A taker that is dead may have left it to any process.
 */
function isCyclePossible(lines: readonly LockLine[], wanted: string, pid: number): boolean {
  const seen = new Set<string>();
  const open = [wanted];
  const waits = lines.filter((line) => line.isWaiter && line.pid !== undefined);
  const own = ancestry(pid);
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    for (const { pid: taker } of lines.filter(
      (line) => line.kind === 'flock' && !line.isWaiter && line.key === key,
    )) {
      const isUnknown = taker === undefined || readProcessStat(taker) === undefined;
      if (key !== wanted && (isUnknown || own.has(taker))) return true;
      for (const wait of waits) {
        // A lock that was looked at adds nothing: of 100 that wait for one lock, the ancestors of none are read.
        if (seen.has(wait.key)) continue;
        if (isUnknown || ancestry(wait.pid as number).has(taker)) open.push(wait.key);
      }
    }
  }
  return false;
}

/** `pid` and the processes above it. */
function ancestry(pid: number): Set<number> {
  return new Set([pid, ...ancestorsOf(pid)]);
}

/** Breadth first, so that the cycle that is reported is one of the shortest. */
function shortestCycle(
  { waitsFor, heldBy }: WaitGraph,
  wanted: string,
  pid: number,
): readonly Step[] | undefined {
  const open: (readonly Step[])[] = [[{ pid, waitsFor: wanted }]];
  const seen = new Set<number>();
  for (let trail = open.shift(); trail !== undefined; trail = open.shift()) {
    const last = trail.at(-1) as Step;
    for (const holder of heldBy.get(last.waitsFor) ?? []) {
      if (holder === pid) {
        // Its own descriptor on the very lock it waits for: inherited, and reported by the ancestor check of `run`.
        if (trail.length > 1) return trail;
        continue;
      }
      if (seen.has(holder)) continue;
      seen.add(holder);
      for (const key of waitsFor.get(holder) ?? []) open.push([...trail, { pid: holder, waitsFor: key }]);
    }
  }
  return undefined;
}

function describe(cycle: readonly Step[], nameOf: (key: string) => string): readonly DeadlockLink[] {
  return cycle.map(({ pid, waitsFor }, index) => {
    const before = cycle.at(index - 1) as Step;
    return { pid, program: programOf(pid), holds: nameOf(before.waitsFor), waitsFor: nameOf(waitsFor) };
  });
}

/** Names for keys: the kernel keeps no path, but the processes that have the file open have one. */
function pathsOf(locks: readonly HeldLock[], knownKey: string, knownPath: string): (key: string) => string {
  const known = new Map([[knownKey, knownPath]]);
  return (key) => {
    let path = known.get(key);
    if (path === undefined) {
      const holder = locks.find((lock) => lock.key === key)?.holders.find(({ isConfirmed }) => isConfirmed);
      path = (holder && openPathOf(holder.pid, key)) ?? `file ${key}`;
      known.set(key, path);
    }
    return path;
  };
}

/** The path under which `pid` has the file `key` open and locked. */
function openPathOf(pid: number, key: string): string | undefined {
  const mounts = readMounts();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const info = readFileSync(`/proc/${pid}/fdinfo/${name}`, 'latin1');
      if (!info.includes('lock:')) continue;
      if (kernelFileKey(`/proc/${pid}/fd/${name}`, mounts) === key)
        return readlinkSync(`/proc/${pid}/fd/${name}`);
    }
  } catch {
    // It ended, or may not be looked at: the key has to do.
  }
  return undefined;
}
