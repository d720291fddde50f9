import { readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { LeaseClock } from '../../core/lease.js';
import { makeDirectory } from '../../files/make-directory.js';
import { replaceFile } from '../../files/replace.js';
import { FirstSeen, firstSeenPath, ownTimeline } from '../../platform/first-seen.js';

/** State names never recur, so one that is seen again has been there all along: an old listing hid it. */
const NAMES_KEPT = 8;

/** The only key of a lease's table: a lease has one state. */
const STATE = 'state';

/**
 * Since when this user has seen a state name on this host, one file per lease. A file that cannot be read or written
 * leaves the memory of this process.
 */
export class Sightings {
  readonly #clock: LeaseClock;
  readonly #tables = new Map<string, FirstSeen>();

  constructor(clock: LeaseClock) {
    this.#clock = clock;
  }

  /** The earliest known time at which `name` was there; `at` when this is the first. */
  async since(resource: string, name: string, at: number): Promise<number> {
    const file = firstSeenPath(resource);
    const table = this.#tables.get(resource) ?? (await this.#load(resource, file));
    const since = table.note(STATE, name, at);
    if (table.isChanged && file !== undefined) await write(file, table.text());
    return since;
  }

  /** Once the resource is held nothing that was seen before matters. */
  async forget(resource: string): Promise<void> {
    this.#tables.delete(resource);
    const file = firstSeenPath(resource);
    if (file !== undefined) await unlink(file).catch(() => undefined);
  }

  async #load(resource: string, file: string | undefined): Promise<FirstSeen> {
    const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
    const timeline = {
      bootId: ownTimeline.bootId,
      timeNamespace: ownTimeline.timeNamespace,
      now: () => this.#clock.now(),
    };
    const table = this.#tables.get(resource) ?? new FirstSeen(timeline, text, NAMES_KEPT);
    this.#tables.set(resource, table);
    return table;
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    makeDirectory(dirname(file), { mode: 0o700 });
    await replaceFile(file, text, { isDurable: false });
  } catch {
    // No home, or a full one: the memory of this process has to do.
  }
}
