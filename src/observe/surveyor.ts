import type { AnnouncedSlot } from '../files/announcement-format.js';
import { systemClock } from '../platform/clock.js';
import { HeldFiles } from '../platform/held-files.js';
import { ancestorsOf } from '../platform/identity.js';
import { kernelFileKey } from '../platform/mounts.js';
import { AnnouncementReader, type AnnouncedBy } from './announced.js';
import { Blockers } from './blockers.js';
import { ShownSince } from './shown-since.js';
import { described, flockOf, withoutPermits, type SeenFlock } from './flocks.js';
import type { Places } from './places.js';
import type { RankedLock, SeenLock, SeenParty, Survey } from './seen.js';

/** Looks at the locks of this machine again and again; what has not changed costs little. */
export class Surveyor {
  readonly #files = new HeldFiles();
  readonly #announcements = new AnnouncementReader();
  readonly #shownSince = new ShownSince();
  readonly #places: Places | undefined;
  readonly #keys = new Map<string, string | undefined>();
  #sources: readonly unknown[] = [];
  #locks: readonly SeenLock[] = [];
  /** Those without a waiter, in order. */
  #idle: readonly RankedLock[] = [];

  /** @param places looked at besides: directories, servers, the claims of a repository. */
  constructor(places?: Places) {
    this.#places = places;
  }

  look(): Survey {
    const atMs = systemClock.wallNow();
    const files = this.#files.look();
    const announced = this.#announcements.look();
    const placed = this.#places?.found ?? [];
    const sources = [files, placed, ...announced];
    if (
      sources.length !== this.#sources.length ||
      sources.some((one, index) => one !== this.#sources[index])
    ) {
      this.#sources = sources;
      this.#shownSince.begin(atMs);
      this.#locks = this.#merged(
        files.map((file) => flockOf(file, this.#shownSince)),
        announced,
        placed,
      );
      this.#shownSince.end();
      this.#idle = this.#locks
        .filter(({ waiters }) => waiters.length === 0)
        .map((lock) => ({ ...lock, blockedMs: 0, oldestWaitMs: 0, isInCycle: false }))
        .sort(byAddress);
    }
    return this.#ranked(atMs);
  }

  /** With what costs a look at its file and its processes. */
  described<Lock extends SeenLock>(lock: Lock): Lock {
    if (!isFlock(lock) || lock.isDescribed) return lock;
    return { ...lock, ...described(lock, this.#files) };
  }

  #merged(
    flocks: readonly SeenFlock[],
    announced: readonly AnnouncedBy[],
    placed: readonly SeenLock[],
  ): readonly SeenLock[] {
    const found = new Map<string, SeenLock>(flocks.map((lock) => [lock.key, lock]));
    for (const { process, slots } of announced) {
      for (const slot of slots) {
        const name = this.#nameOf(slot, found);
        found.set(name, withSlot(found.get(name), process, slot));
      }
    }
    const known = new Set([...found.values()].map(({ address }) => address));
    const others = [...found.values()].filter((lock) => !isFlock(lock));
    const all = withoutPermits([...found.values()].filter(isFlock));
    return withHeirs([...all, ...others, ...placed.filter(({ address }) => !known.has(address))]);
  }

  /** A wait for a flock is announced by path, and the kernel lists it by inode. */
  #nameOf({ lock, backend }: AnnouncedSlot, found: ReadonlyMap<string, SeenLock>): string {
    if (backend !== 'flock') return lock;
    const known = this.#keys.get(lock);
    if (known !== undefined && found.get(known) !== undefined) return known;
    const key = attemptKey(lock);
    this.#keys.set(lock, key);
    return key ?? lock;
  }

  #ranked(atMs: number): Survey {
    const blockers = new Blockers(this.#locks, atMs);
    const deadlocks = blockers.cycles();
    const stuck = new Set(deadlocks.flat().map(({ waitsFor }) => waitsFor));
    const awaited = this.#locks
      .filter(({ waiters }) => waiters.length > 0)
      .map((lock): RankedLock => {
        const oldest = Math.min(...lock.waiters.map(({ sinceAtMs }) => sinceAtMs));
        const oldestWaitMs = Math.max(0, atMs - oldest);
        return {
          ...lock,
          blockedMs: blockers.blockedMs(lock),
          oldestWaitMs,
          isInCycle: stuck.has(lock.address),
        };
      })
      .sort((a, b) => b.blockedMs - a.blockedMs || b.waiters.length - a.waiters.length || byAddress(a, b));
    const named = deadlocks.map((cycle) =>
      cycle.map((link) => ({ ...link, program: link.program ?? this.#files.programOf(link.pid) })),
    );
    const problems = this.#places?.problems ?? [];
    return { atMs, locks: [...awaited, ...this.#idle], deadlocks: named, problems };
  }
}

function byAddress(a: SeenLock, b: SeenLock): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

function isFlock(lock: SeenLock): lock is SeenFlock {
  return 'key' in lock;
}

function attemptKey(path: string): string | undefined {
  try {
    return kernelFileKey(path);
  } catch {
    return undefined;
  }
}

function withSlot(
  lock: SeenLock | undefined,
  process: AnnouncedBy['process'],
  slot: AnnouncedSlot,
): SeenLock {
  const { pid, startTime, program, host } = process;
  const { state, mode, sinceAtMs, holderId, token, reason, leaseDeadline, leaseDurationMs } = slot;
  const party: SeenParty = {
    mode,
    pid,
    sinceAtMs,
    isSinceExact: true,
    ...(startTime !== undefined && { startTime }),
    ...(program !== undefined && { program }),
    ...(host !== undefined && { host }),
    ...(holderId !== undefined && { holderId }),
    ...(token !== undefined && { token }),
    ...(reason !== undefined && { reason }),
    ...(leaseDeadline !== undefined && { leaseDeadline }),
    ...(leaseDurationMs !== undefined && { leaseDurationMs }),
  };
  const unknown = {
    address: slot.lock,
    backend: slot.backend,
    kind: 'holdfast',
    holders: [],
    waiters: [],
  } as const;
  const known = lock ?? unknown;
  if (state === 'holder') return { ...known, holders: [...known.holders, party] };
  return { ...known, waiters: withWaiter(known.waiters, party) };
}

/** In place of the kernel's line for the same wait, which has no time; at the gate it has no process either. */
function withWaiter(waiters: readonly SeenParty[], party: SeenParty): readonly SeenParty[] {
  const isSame = ({ pid, isSinceExact }: SeenParty): boolean => pid === party.pid && !isSinceExact;
  const at = waiters.findIndex(isSame);
  const place = at >= 0 ? at : waiters.findIndex(({ pid }) => pid === undefined);
  return place < 0 ? [...waiters, party] : waiters.with(place, party);
}

const INHERITED = 'it works under the lock';

/**
 * A process below the holder works under its hold: what that waits for stands in the way of those who wait here. Of
 * flocks the kernel says who has them.
 */
function withHeirs(locks: readonly SeenLock[]): readonly SeenLock[] {
  if (!locks.some(({ backend, waiters }) => backend !== 'flock' && waiters.length > 0)) return locks;
  const waiting = locks.flatMap(({ waiters }) => waiters.filter(({ pid }) => pid !== undefined));
  const above = new Map(waiting.map((party) => [party, new Set(ancestorsOf(party.pid as number))]));
  return locks.map((lock) => {
    if (lock.backend === 'flock' || lock.waiters.length === 0) return lock;
    const heirs = waiting.filter((party) => lock.holders.some(({ pid }) => above.get(party)?.has(pid ?? -1)));
    const { holders } = lock;
    return { ...lock, holders: [...holders, ...heirs.map((party) => ({ ...party, note: INHERITED }))] };
  });
}
