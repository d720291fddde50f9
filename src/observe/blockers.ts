import type { DeadlockLink } from '../core/deadlock.js';

import type { SeenLock } from './seen.js';

/** The graph of who waits for whom, over locks of all kinds. A process that does several things at a time is one node. */
export class Blockers {
  readonly #waitsOf = new Map<number, SeenLock[]>();
  readonly #heldBy = new Map<number, SeenLock[]>();
  readonly #nowMs: number;
  readonly #blockedMs = new Map<SeenLock, number>();

  constructor(locks: readonly SeenLock[], nowMs: number) {
    this.#nowMs = nowMs;
    for (const lock of locks) for (const { pid } of lock.waiters) note(this.#waitsOf, pid, lock);
    // What a process holds that waits for nothing leads nowhere.
    for (const lock of locks)
      for (const { pid } of lock.holders) if (this.#waitsOf.has(pid ?? -1)) note(this.#heldBy, pid, lock);
  }

  /** Milliseconds that others wait because of this lock: for it, and for what those who wait for it hold. */
  blockedMs(lock: SeenLock): number {
    const known = this.#blockedMs.get(lock);
    if (known !== undefined) return known;
    let sum = 0;
    const seen = new Set<SeenLock>([lock]);
    for (const next of seen) {
      for (const { pid, sinceAtMs } of next.waiters) {
        sum += Math.max(0, this.#nowMs - sinceAtMs);
        for (const held of this.#heldBy.get(pid ?? -1) ?? []) if (held.waiters.length > 0) seen.add(held);
      }
    }
    this.#blockedMs.set(lock, sum);
    return sum;
  }

  /** The locks that the holders of `lock` wait for. */
  blockersOf(lock: SeenLock): readonly SeenLock[] {
    return [...new Set(lock.holders.flatMap(({ pid }) => this.#waitsOf.get(pid ?? -1) ?? []))].filter(
      (other) => other !== lock,
    );
  }

  /** The locks held by those who wait for `lock`, and waited for themselves. */
  blockedBy(lock: SeenLock): readonly SeenLock[] {
    return [...new Set(lock.waiters.flatMap(({ pid }) => this.#heldBy.get(pid ?? -1) ?? []))].filter(
      (other) => other !== lock && other.waiters.length > 0,
    );
  }

  /** Each cycle once; one of the shortest through its first process. */
  cycles(): readonly (readonly DeadlockLink[])[] {
    const found: DeadlockLink[][] = [];
    const inCycle = new Set<number>();
    for (const pid of this.#waitsOf.keys()) {
      if (inCycle.has(pid)) continue;
      const cycle = this.#cycleFrom(pid);
      if (cycle === undefined) continue;
      for (const link of cycle) inCycle.add(link.pid);
      found.push(cycle);
    }
    return found;
  }

  /** Breadth first. */
  #cycleFrom(start: number): DeadlockLink[] | undefined {
    const cameBy = new Map<
      number,
      { readonly from: number; readonly lock: SeenLock; readonly program: string | undefined }
    >();
    const open = [start];
    for (const pid of open) {
      for (const lock of this.#waitsOf.get(pid) ?? []) {
        for (const holder of lock.holders) {
          if (holder.pid === undefined || (holder.pid === pid && pid === start)) continue;
          if (holder.pid !== start && cameBy.has(holder.pid)) continue;
          const step = { from: pid, lock, program: holder.program };
          cameBy.set(holder.pid, step);
          if (holder.pid === start) return this.#linksBack(start, cameBy);
          open.push(holder.pid);
        }
      }
    }
    return undefined;
  }

  #linksBack(
    start: number,
    cameBy: ReadonlyMap<number, { from: number; lock: SeenLock; program: string | undefined }>,
  ): DeadlockLink[] {
    const trail: { pid: number; waitsFor: string }[] = [];
    for (let pid = start; ;) {
      const step = cameBy.get(pid);
      if (step === undefined) break;
      trail.unshift({ pid: step.from, waitsFor: step.lock.address });
      pid = step.from;
      if (pid === start) break;
    }
    return trail.map(({ pid, waitsFor }, index) => ({
      pid,
      program: cameBy.get(pid)?.program,
      holds: trail.at(index - 1)?.waitsFor ?? waitsFor,
      waitsFor,
    }));
  }
}

function note(map: Map<number, SeenLock[]>, pid: number | undefined, lock: SeenLock): void {
  if (pid === undefined) return;
  const known = map.get(pid);
  if (known === undefined) map.set(pid, [lock]);
  else known.push(lock);
}
