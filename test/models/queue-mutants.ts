import type { Mode } from '../../src/core/backend.js';
import { ResourceQueue } from '../../src/core/queue.js';

/** Lets two in when a shared caller comes to the door. */
class WideDoor extends ResourceQueue {
  override tryEnter(mode: Mode): boolean {
    return super.tryEnter(mode) || (mode === 'shared' && this.isDoorTaken);
  }
}

/** A newcomer who could go in goes in, past those who came first. */
class Barging extends ResourceQueue {
  #isIn = false;
  override tryEnter(mode: Mode): boolean {
    if (super.tryEnter(mode)) return true;
    if (this.isDoorTaken || this.isPaused || !this.hasRoomFor(mode) || this.#isIn) return false;
    this.#isIn = true;
    return true;
  }
}

/** Counts one shared hold at most: the first of two that ends makes room for a writer. */
class UncountedReaders extends ResourceQueue {
  #shared = 0;
  override addHold(mode: Mode): void {
    if (mode === 'shared' && this.#shared++ > 0) return;
    super.addHold(mode);
  }
  override removeHold(mode: Mode): void {
    if (mode === 'shared' && --this.#shared > 0 && this.hasRoomFor('exclusive')) return;
    super.removeHold(mode);
  }
}

/** The one at the door who fails takes the door along. */
class StuckDoor extends ResourceQueue {
  #failures = 0;
  override leaveDoor(): void {
    if (++this.#failures % 3 !== 0) super.leaveDoor();
  }
}

type Create = (onIdle: () => void) => ResourceQueue;

export const queueMutants: Readonly<Record<string, Create>> = {
  'lets two to the door': (onIdle) => new WideDoor(onIdle),
  'lets newcomers barge': (onIdle) => new Barging(onIdle),
  'does not count its readers': (onIdle) => new UncountedReaders(onIdle),
  'loses the door with one who fails': (onIdle) => new StuckDoor(onIdle),
};
