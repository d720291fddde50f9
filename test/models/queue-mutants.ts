import type { Mode } from '../../src/core/backend.js';
import { ResourceQueue } from '../../src/core/queue.js';

/** Lets two in when a shared caller comes to the head. */
class WideHead extends ResourceQueue {
  override tryTakeHead(mode: Mode): boolean {
    return super.tryTakeHead(mode) || (mode === 'shared' && this.isHeadTaken);
  }
}

/** A newcomer who could go in goes in, past those who came first. */
class Barging extends ResourceQueue {
  #isIn = false;
  override tryTakeHead(mode: Mode): boolean {
    if (super.tryTakeHead(mode)) return true;
    if (this.isHeadTaken || this.isPaused || !this.hasRoomFor(mode) || this.#isIn) return false;
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

/** The one at the head who fails takes the head along. */
class StuckHead extends ResourceQueue {
  #failures = 0;
  override leaveHead(): void {
    if (++this.#failures % 3 !== 0) super.leaveHead();
  }
}

type Create = (onIdle: () => void) => ResourceQueue;

export const queueMutants: Readonly<Record<string, Create>> = {
  'lets two to the head': (onIdle) => new WideHead(onIdle),
  'lets newcomers barge': (onIdle) => new Barging(onIdle),
  'does not count its readers': (onIdle) => new UncountedReaders(onIdle),
  'loses the head with one who fails': (onIdle) => new StuckHead(onIdle),
};
