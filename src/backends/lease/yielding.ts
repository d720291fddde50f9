import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Created by waiters and removed by the process that yields. It decides nothing. */
const ASKED = 'w';

/**
 * A process that just released wins the next race: it sees the free state before a waiter that looks from time to time,
 * and has written its record by the time that the waiter begins with its own. So waiters create a marker file, and a
 * process that comes back right after a long hold looks for one and lets them pass, once. A file that is lost, or left
 * behind by a waiter that gave up, costs one such wait; every failure here is ignored.
 */
export class Yielding {
  readonly #asked = new Set<string>();
  readonly #looked = new Set<string>();

  /** Creates the marker file for the present holder. */
  async ask(resource: string): Promise<void> {
    this.#asked.add(resource);
    // Exclusive: what another user has put there, a link or a FIFO, is neither followed nor waited for.
    await open(join(resource, ASKED), 'wx', 0o666).then((file) => file.close(), ignore);
  }

  /** Whether others are to go first. Only the first look of a wait counts: a process that has yielded competes like all others. */
  async mustYield(resource: string): Promise<boolean> {
    if (this.#looked.has(resource)) return false;
    this.#looked.add(resource);
    return this.#take(resource);
  }

  /** The wait has ended. Those that still wait create the marker file again. */
  async settle(resource: string): Promise<void> {
    this.#looked.delete(resource);
    if (this.#asked.delete(resource)) await this.#take(resource);
  }

  #take(resource: string): Promise<boolean> {
    return unlink(join(resource, ASKED)).then(() => true, ignore);
  }
}

function ignore(): boolean {
  return false;
}
