import type { Clock, Timer } from '../../core/time.js';
import type { NativeAddon } from '../../platform/native-contract.js';

/** A thread that sleeps where no signal reaches it (a network share that hangs) does not keep its caller. */
const CANCEL_WITHIN_MS = 200;

/** A wait that blocks a thread of the addon. */
export interface KernelWait<T> {
  /** Begins it. `settle` gets a handle, or a negative errno. Returns the id of the wait, or a negative errno. */
  start(settle: (result: number) => void): number;
  /** What the wait resolves to; undefined: it starts again. @throws what the wait rejects with. */
  finish(result: number): T | undefined;
}

/**
 * Waits until `finish` has an answer, or `signal` aborts. That signal is of this one wait, and ends with it.
 *
 * INV-FLOCK-6: after an abort it rejects when the wait is over in C, where a grant that came first is released: a caller
 * whose wait was canceled leaves no lock behind.
 */
export function waitInKernel<T>(
  native: NativeAddon,
  clock: Clock,
  signal: AbortSignal,
  wait: KernelWait<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let waitId: number;
    // Not `signal.aborted`: that getter, with cold caches, takes the next holder 4 us.
    let isAborted = false;
    let overdue: Timer | undefined;
    const onAbort = (): void => {
      isAborted = true;
      native.cancelWait(waitId);
      overdue = clock.setTimer(CANCEL_WITHIN_MS, () => reject(signal.reason));
    };
    const settle = (result: number): void => {
      if (isAborted) {
        overdue?.clear();
        return reject(signal.reason);
      }
      try {
        const finished = wait.finish(result);
        if (finished === undefined) start();
        else resolve(finished);
      } catch (error) {
        reject(error);
      }
      // The listener stays: an id that is finished is ignored, and removing it would cost the next holder 20 us of a
      // handoff.
    };
    const start = (): void => {
      waitId = wait.start(settle);
      // Refused at once: the errno is judged like any other.
      if (waitId < 0) settle(waitId);
    };
    start();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
