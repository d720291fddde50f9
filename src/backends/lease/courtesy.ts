import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Left by those who wait and taken away by those who let them go first. It decides nothing. */
const ASKED = 'w';

/**
 * Whoever has just released is always there first: it sees the free state before anybody who looks from time to time,
 * and has written its record by the time that they begin with theirs. So those who wait leave a word, and a
 * process that comes back right after a long hold looks for one and lets them pass, once. A word that is lost, or left
 * behind by somebody who gave up, costs one such wait or one such turn; every failure here is ignored.
 */
export class Courtesy {
  readonly #asked = new Set<string>();
  readonly #looked = new Set<string>();

  /** Leaves a word for the present holder. */
  async ask(resource: string): Promise<void> {
    this.#asked.add(resource);
    // Exclusive: what another user has put there, a link or a FIFO, is neither followed nor waited for.
    await open(join(resource, ASKED), 'wx', 0o666).then((file) => file.close(), ignore);
  }

  /** Whether others are to go first. Only the first look of a wait counts: who has let others pass competes like anybody. */
  async mustYield(resource: string): Promise<boolean> {
    if (this.#looked.has(resource)) return false;
    this.#looked.add(resource);
    return this.#take(resource);
  }

  /** The wait has ended. Those who still wait leave their word again. */
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
