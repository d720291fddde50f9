import { whenSettled } from '../../core/unsettled.js';
import { systemClock } from '../../platform/clock.js';
import { SignalCancel } from '../cancel.js';

/** How long a command that ends still waits for a server to confirm what it claimed or released. */
const LAST_REQUESTS_MS = 2_000;

/** Resolves once nothing of this process is under way that may leave a hold behind, or when that takes too long. */
export function settled(): Promise<void> {
  return whenSettled(systemClock, LAST_REQUESTS_MS);
}

/**
 * Lets the release of a hold be confirmed although a signal comes meanwhile: without that the hold stops others for as
 * long as its lease. The command has ended by then, so the signal has nothing else to end.
 */
export class LastRequests {
  readonly #before = new SignalCancel();

  /** From now on a signal does not end this process. */
  constructor() {
    this.#before.arm();
  }

  /** Runs `release`. From the first signal that comes now it has two seconds. */
  async run(release: () => Promise<void>): Promise<void> {
    const cancel = new SignalCancel();
    cancel.arm();
    this.#before.disarm();
    const limit = new Promise<void>((resolve) => {
      const start = (): void => {
        systemClock.setTimer(LAST_REQUESTS_MS, resolve, { keepsProcessAlive: false });
      };
      cancel.signal.addEventListener('abort', start, { once: true });
    });
    try {
      await Promise.race([release(), limit]);
    } finally {
      cancel.disarm();
    }
  }
}
