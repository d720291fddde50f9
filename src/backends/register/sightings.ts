import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { LeaseClock } from '../../core/lease.js';
import { makeDirectory } from '../../files/make-directory.js';
import { makeOwnDirectories } from '../../files/make-own.js';
import { readOwn } from '../../files/open-own.js';
import { replaceFile } from '../../files/replace.js';
import { FIRST_SEEN_DEPTH, FirstSeen, firstSeenPath, ownTimeline } from '../../platform/first-seen.js';

/** State names never recur, so one that is seen again has been there all along: an old listing hid it. */
const NAMES_KEPT = 8;

/** What holds the state, apart from its name; undefined when that state is gone. A copy of it is another one. */
export type Bearer = (resource: string, name: string) => Promise<string | undefined>;

const ONLY_ONE: Bearer = () => Promise.resolve('state');

/**
 * Since when this user has seen a state name on this host, one file per lease. A file that cannot be read or written, or
 * that another user has put there, leaves the memory of this process.
 */
export class Sightings {
  readonly #clock: LeaseClock;
  readonly #bearerOf: Bearer;
  readonly #tables = new Map<string, FirstSeen>();

  /** @param bearerOf for states that can be copied. Default: a resource has one bearer for ever. */
  constructor(clock: LeaseClock, bearerOf = ONLY_ONE) {
    this.#clock = clock;
    this.#bearerOf = bearerOf;
  }

  /**
   * The earliest known time at which `name` was there; `at` when this is the first. A state that was restored from a copy
   * repeats names that were seen long ago, while the holder of then may be holding still: what was seen of another bearer
   * counts for nothing.
   */
  async since(resource: string, name: string, at: number): Promise<number> {
    const file = firstSeenPath(resource);
    const table = this.#tables.get(resource) ?? this.#load(resource, file);
    const bearer = await this.#bearerOf(resource, name);
    // Gone meanwhile: its successor is for the next look.
    if (bearer === undefined) return at;
    const since = table.note(bearer, name, at);
    table.retain(new Set([bearer]));
    if (table.isChanged && file !== undefined) await write(file, table.text());
    return since;
  }

  /** Once the resource is held nothing that was seen before matters. */
  async forget(resource: string): Promise<void> {
    this.#tables.delete(resource);
    const file = firstSeenPath(resource);
    if (file !== undefined) await unlink(file).catch(() => undefined);
  }

  #load(resource: string, file: string | undefined): FirstSeen {
    const timeline = {
      bootId: ownTimeline.bootId,
      timeNamespace: ownTimeline.timeNamespace,
      now: () => this.#clock.now(),
    };
    const table = new FirstSeen(timeline, file === undefined ? undefined : attemptRead(file), NAMES_KEPT);
    this.#tables.set(resource, table);
    return table;
  }
}

function attemptRead(file: string): string | undefined {
  try {
    return readOwn(file, { depth: FIRST_SEEN_DEPTH })?.toString('utf8');
  } catch {
    return undefined;
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    const folder = dirname(file);
    makeDirectory(dirname(dirname(folder)), { mode: 0o700 });
    makeOwnDirectories(folder, { depth: FIRST_SEEN_DEPTH - 1, rights: { mode: 0o700 } });
    await replaceFile(file, text, { depth: FIRST_SEEN_DEPTH, isDurable: false });
  } catch {
    // No home, or a full one: the memory of this process has to do.
  }
}
