import { isLockError } from '../core/errors.js';
import { systemClock } from '../platform/clock.js';
import type { Inspection } from '../locks/inspect.js';
import type { HolderInfo } from '../core/backend.js';
import type { SeenLock, SeenParty } from './seen.js';

/** Where else to look, beside this machine: a directory, a server, the claims of a repository. */
export interface Place {
  readonly name: string;
  readonly inspect: () => Promise<readonly Inspection[]>;
}

/** What was found there at the last look. A place that does not answer is a problem to show, and no error. */
export class Places {
  readonly #places: readonly Place[];
  readonly #found: (readonly SeenLock[])[];
  readonly #problems: (string | undefined)[];
  #refreshing: Promise<void> | undefined;
  found: readonly SeenLock[] = [];

  constructor(places: readonly Place[]) {
    this.#places = places;
    this.#found = places.map(() => []);
    this.#problems = places.map(() => undefined);
  }

  get problems(): readonly string[] {
    return this.#problems.filter((problem) => problem !== undefined);
  }

  /** Looks again, unless a look is under way. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    await Promise.all(this.#places.map((place, index) => this.#look(place, index)));
  }

  async #look({ inspect, name }: Place, index: number): Promise<void> {
    try {
      const atMs = systemClock.wallNow();
      this.#found[index] = (await inspect()).map((inspection) => fromInspection(inspection, atMs));
      this.#problems[index] = undefined;
    } catch (error) {
      // What is not known is not shown: old holders would look like present ones.
      this.#found[index] = [];
      this.#problems[index] = isLockError(error) ? error.message : `${name}: ${String(error)}`;
    }
    this.found = this.#found.flat();
  }
}

function fromInspection({ address, backend, holders, waiters }: Inspection, atMs: number): SeenLock {
  const party = (info: HolderInfo): SeenParty => partyOf(info, atMs);
  return {
    address,
    backend,
    kind: 'holdfast',
    holders: holders.map(party),
    waiters: waiters.map(party),
  };
}

function partyOf(info: HolderInfo, atMs: number): SeenParty {
  const { mode, pid, host, program, holderId, reason, sinceAt, fencingToken, note } = info;
  const since = sinceAt === undefined ? Number.NaN : Date.parse(sinceAt);
  const isKnown = Number.isFinite(since);
  return {
    mode,
    sinceAtMs: isKnown ? since : atMs,
    isSinceExact: isKnown,
    ...(pid !== undefined && { pid }),
    ...(host !== undefined && { host }),
    ...(program !== undefined && { program }),
    ...(holderId !== undefined && { holderId }),
    ...(reason !== undefined && { reason }),
    ...(fencingToken !== undefined && { token: fencingToken }),
    ...(note !== undefined && { note }),
  };
}
